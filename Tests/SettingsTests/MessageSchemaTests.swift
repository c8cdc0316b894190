import Clocks
import Concurrency
import JSON
import Jobs
import RepositoryFiles
import Secrets
import Testing

/// `config/schemas` and what the daemon reads and writes say the same.
@Suite struct MessageSchemaTests {
    private func schema(_ name: String) throws -> SchemaEvaluation {
        SchemaEvaluation(root: try JSONValue.parse(RepositoryFile.bytes("config/schemas/\(name).schema.json")))
    }

    @Test(arguments: ["job", "cancel", "result", "progress"])
    func examplesKeepTheirSchema(name: String) throws {
        let schema = try schema(name)
        let examples = try #require(schema.root["examples"]?.elements)
        #expect(!examples.isEmpty)
        for example in examples { #expect(try schema.permits(example)) }
        #expect(schema.root["$schema"]?.text == "https://json-schema.org/draft/2020-12/schema")
    }

    private static let jobs: [String] = {
        let base = #""account":"ann","shareToken":"t","jobId":"j""#
        return [
            "{\(base)}", #"{\#(base),"version":1}"#, #"{\#(base),"version":2}"#, #"{\#(base),"version":"1"}"#,
            #"{\#(base),"version":null}"#, #"{\#(base),"unknown":null}"#, "[]", #""job""#, "{}",
            #"{"account":"ann","jobId":"j"}"#, #"{"shareToken":"t","jobId":"j"}"#,
            #"{"account":null,"shareToken":"t","jobId":"j"}"#, #"{"account":"","shareToken":"t","jobId":"j"}"#,
            #"{"account":"a\nb","shareToken":"t","jobId":"j"}"#, #"{"account":"a\u007f","shareToken":"t","jobId":"j"}"#,
            #"{"account":"a\u0085","shareToken":"t","jobId":"j"}"#,
            #"{"account":"a\u2028","shareToken":"t","jobId":"j"}"#,
            #"{"account":"a\u202e","shareToken":"t","jobId":"j"}"#,
            #"{"account":"a\u2066","shareToken":"t","jobId":"j"}"#,
            #"{"account":"a\u061c","shareToken":"t","jobId":"j"}"#,
            #"{"account":"a\u200f","shareToken":"t","jobId":"j"}"#,
            #"{"account":"zo\u00e9 \u200d","shareToken":"t","jobId":"j"}"#,
            #"{"account":"\#(String(repeating: "a", count: 256))","shareToken":"t","jobId":"j"}"#,
            #"{"account":"\#(String(repeating: "a", count: 257))","shareToken":"t","jobId":"j"}"#,
            #"{"account":"ann","shareToken":"","jobId":"j"}"#,
            #"{"account":"ann","shareToken":"\#(String(repeating: "t", count: 2_048))","jobId":"j"}"#,
            #"{"account":"ann","shareToken":"\#(String(repeating: "t", count: 2_049))","jobId":"j"}"#,
            #"{"account":"ann","shareToken":"t","jobId":"a b"}"#, #"{"account":"ann","shareToken":"t","jobId":""}"#,
            #"{"account":"ann","shareToken":"t","jobId":"A-Z.a_z:0/9"}"#,
            #"{"account":"ann","shareToken":"t","jobId":"\#(String(repeating: "j", count: 129))"}"#,
            #"{\#(base),"metadata":{}}"#, #"{\#(base),"metadata":{"a":"b"}}"#, #"{\#(base),"metadata":{"a":1}}"#,
            #"{\#(base),"metadata":[]}"#,
            #"{\#(base),"metadata":{\#((0..<16).map { #""\#($0)":"x""# }.joined(separator: ","))}}"#,
            #"{\#(base),"metadata":{\#((0..<17).map { #""\#($0)":"x""# }.joined(separator: ","))}}"#,
            #"{\#(base),"deadline":"2026-11-30T00:00:00Z"}"#, #"{\#(base),"deadline":1}"#,
        ]
    }()

    @Test(arguments: jobs)
    func aJobKeepsItsSchemaWhenTheDaemonTakesIt(text: String) throws {
        let body = Array(text.utf8)
        let decoded = JobDecoder.decode(body: body, contentType: nil, contentEncoding: nil, messageID: nil)
        let isTaken = if case .success = decoded { true } else { false }
        #expect(try schema("job").permits(JSONValue.parse(body)) == isTaken)
    }

    @Test(arguments: [
        #"{"jobId":"j"}"#, #"{"version":1,"jobId":"j"}"#, #"{"version":2,"jobId":"j"}"#, "{}", #"{"jobId":"a b"}"#,
        #"{"jobId":1}"#, "[]", #"{"jobId":"j","more":true}"#,
    ])
    func aCancelKeepsItsSchemaWhenTheDaemonTakesIt(text: String) throws {
        let body = Array(text.utf8)
        let decoded = CancelDecoder.decode(body: body, contentType: nil, contentEncoding: nil)
        let isTaken = if case .success = decoded { true } else { false }
        #expect(try schema("cancel").permits(JSONValue.parse(body)) == isTaken)
    }

    private func result(
        _ outcome: Outcome, _ effect: Effect, _ reason: Reason?, hasIdentity: Bool = true
    ) throws -> JSONValue {
        let result = JobResult(
            jobID: hasIdentity ? JobID("j") : nil, account: hasIdentity ? AccountID("ann") : nil, outcome: outcome,
            effect: effect, reason: reason, next: reason?.next, detail: "why", attempts: 1, generation: 0,
            httpStatus: 404, apiStatus: "NOT_FOUND", requestedAt: "2026-11-23T00:00:00Z",
            completedAt: outcome == .rejected ? nil : Timestamp(milliseconds: 0).rfc3339, durationMs: 5,
            metadata: [Job.Metadatum(key: Array("k".utf8), value: Array("v".utf8))],
            event: EventContext(id: Array("e".utf8), source: Array("/s".utf8), type: nil))
        return try JSONValue.parse(result.encoded())
    }

    @Test func everyResultOfTheDaemonKeepsItsSchema() throws {
        let schema = try schema("result")
        for outcome in [Outcome.left, .alreadyLeft] { #expect(try schema.permits(result(outcome, .left, nil))) }
        for reason in Reason.allCases {
            for isAmbiguous in [false, true] {
                let effect = reason.effect(isAmbiguous: isAmbiguous)
                #expect(try schema.permits(result(reason.outcome, effect, reason)), "\(reason)")
            }
            let anonymous = try result(reason.outcome, .notLeft, reason, hasIdentity: false)
            #expect(try schema.permits(anonymous) == (reason.outcome == .rejected), "\(reason)")
        }
    }

    /// No member is one that the schema and the page do not know, and each stands where its name's bytes put it.
    @Test func everyMemberOfAResultIsPromised() throws {
        let members = try #require(try result(.failed, .unknown, .poison).members).map {
            String(decoding: $0.name, as: UTF8.self)
        }
        let known = try #require(try schema("result").root["properties"]?.members).map {
            String(decoding: $0.name, as: UTF8.self)
        }
        #expect(members.sorted() == known.sorted(), "a result of every member")
        #expect(members == members.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        let page = String(decoding: try RepositoryFile.bytes("docs/messages.md"), as: UTF8.self)
        #expect(members.filter { !page.contains("`\($0)`") } == [])
    }

    private func progress(_ state: ProgressState, isWhole: Bool = true) throws -> JSONValue {
        let event = EventContext(id: Array("e".utf8), source: Array("/s".utf8), type: nil)
        let job = Job(
            id: JobID("j"), account: AccountID("ann"), shareToken: ShareToken(Secret(copying: Array("t".utf8))),
            metadata: isWhole ? [Job.Metadatum(key: Array("k".utf8), value: Array("v".utf8))] : [],
            event: isWhole ? event : nil)
        let at = Timestamp(milliseconds: 0)
        let progress = JobProgress(
            of: job, state, generation: 0, number: 1, attempts: 1, at: at, until: isWhole ? at : nil,
            cause: isWhole ? "quota_day" : nil, detail: isWhole ? "why" : nil)
        return try JSONValue.parse(progress.encoded())
    }

    @Test func progressKeepsItsSchemaAndEachMemberIsPromised() throws {
        let schema = try schema("progress")
        for state in ProgressState.allCases {
            for isWhole in [false, true] { #expect(try schema.permits(progress(state, isWhole: isWhole)), "\(state)") }
        }
        let members = try #require(try progress(.held).members).map { String(decoding: $0.name, as: UTF8.self) }
        let known = try #require(schema.root["properties"]?.members).map { String(decoding: $0.name, as: UTF8.self) }
        #expect(members.sorted() == known.sorted(), "progress of every member")
        #expect(members == members.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        let states = schema.root["properties"]?["state"]?["enum"]?.elements?.compactMap(\.text) ?? []
        #expect(states == ProgressState.allCases.map(\.rawValue))
        let page = String(decoding: try RepositoryFile.bytes("docs/messages.md"), as: UTF8.self)
        let section = try #require(page.split(separator: "\n## ").first { $0.hasPrefix("Progress\n") })
        #expect(members.filter { !section.contains("`\($0)`") } == [])
    }

    @Test func resultsThatContradictThemselvesBreakTheSchema() throws {
        let schema = try schema("result")
        #expect(try !schema.permits(result(.left, .unknown, nil)))
        #expect(try !schema.permits(result(.left, .left, .poison)))
        #expect(try !schema.permits(result(.failed, .notLeft, nil)))
        #expect(try !schema.permits(result(.rejected, .left, .malformedJob)))
    }

    @Test func reasonsAreListedUnderTheirOutcome() throws {
        let definitions = try #require(try schema("result").root["$defs"])
        func listed(_ name: String) -> [String] { definitions[name]?["enum"]?.elements?.compactMap(\.text) ?? [] }
        func known(_ outcome: Outcome) -> [String] {
            Reason.allCases.filter { $0.outcome == outcome }.map(\.rawValue)
        }
        #expect(listed("failedReason").sorted() == known(.failed).sorted())
        #expect(listed("rejectedReason").sorted() == known(.rejected).sorted())
    }
}
