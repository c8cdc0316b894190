import Clocks
import Concurrency
import Jobs
import Secrets
import Testing

@Suite("A message is a job, or has a reason why not")
struct JobDecoderTests {
    static let token = "s3cr3t-share-token-AOVP0rRk"

    static func decode(
        _ body: String, contentType: String? = nil, contentEncoding: String? = nil, messageID: String? = nil
    ) -> Result<Job, Rejection> {
        JobDecoder.decode(
            body: Array(body.utf8), contentType: contentType, contentEncoding: contentEncoding, messageID: messageID)
    }

    /// A job's body with these members in place of, or besides, the necessary ones. An empty text leaves one out.
    static func body(_ changes: [String: String] = [:]) -> String {
        var members = ["jobId": "\"j-1\"", "account": "\"anna\"", "shareToken": "\"\(token)\""]
        members.merge(changes) { $1 }
        let written = members.filter { !$1.isEmpty }.sorted { $0.key < $1.key }.map { "\"\($0)\":\($1)" }
        return "{\(written.joined(separator: ","))}"
    }

    static func rejection(_ result: Result<Job, Rejection>) -> Rejection? {
        guard case .failure(let rejection) = result else { return nil }
        return rejection
    }

    @Test("Every member of a full job arrives")
    func fullJob() throws {
        let job = try Self.decode(
            Self.body([
                "version": "1", "requestedAt": "\"2026-11-23t19:49:00.5+00:00\"",
                "deadline": "\"2026-11-23T20:50:00+01:00\"",
                "metadata": #"{"z":"","a":"ü\u0000"}"#, "unknown": #"[null,{"deep":1.5}]"#,
            ]), contentType: "application/json", contentEncoding: "utf-8", messageID: "j-1"
        ).get()
        #expect(job.id == JobID("j-1"))
        #expect(job.account == AccountID("anna"))
        #expect(job.shareToken == ShareToken(Secret(copying: Array(Self.token.utf8))))
        #expect(job.requestedAt == "2026-11-23t19:49:00.5+00:00")
        #expect(job.deadline == Timestamp(milliseconds: 1_795_463_400_000))
        #expect(
            job.metadata == [
                .init(key: [0x7A], value: []), .init(key: [0x61], value: [0xC3, 0xBC, 0]),
            ])
    }

    @Test("The smallest job needs no properties, and takes its id from the message-id")
    func smallestJob() throws {
        let job = try Self.decode(Self.body()).get()
        #expect((job.requestedAt, job.deadline, job.metadata) == (nil, nil, []))
        #expect(try Self.decode(Self.body(["jobId": ""]), messageID: "m/1").get().id == JobID("m/1"))
        #expect(try Self.decode(Self.body(), messageID: "").get().id == JobID("j-1"))
    }

    @Test("The limits themselves are allowed")
    func limits() throws {
        let metadata = (0..<16).map { #""\#($0 < 10 ? "0" : "")\#($0)":"\#(String(repeating: "m", count: 126))""# }
        var body = Self.body([
            "jobId": "\"\(String(repeating: "j", count: 128))\"",
            "account": "\"\(String(repeating: "é", count: 128))\"",
            "shareToken": "\"\(String(repeating: "t", count: 2048))\"",
            "metadata": "{\(metadata.joined(separator: ","))}",
        ])
        body += String(repeating: " ", count: 65_536 - body.utf8.count)
        let job = try Self.decode(body).get()
        #expect(job.metadata.reduce(0) { $0 + $1.key.count + $1.value.count } == 2048)
        #expect(Self.rejection(Self.decode(body + " "))?.reason == .bodyTooLarge)
    }

    /// The members that break a rule, the reason, and where the detail says it is.
    static let badMembers: [([String: String], Reason, String)] = [
        (["version": "2"], .unsupportedVersion, "version"),
        (["version": "0"], .unsupportedVersion, "version"),
        (["version": "-1"], .unsupportedVersion, "version"),
        (["version": "2", "account": "7"], .unsupportedVersion, "version"),
        (["version": "1.0"], .malformedJob, "version"),
        (["version": "\"1\""], .malformedJob, "version"),
        (["version": "true"], .malformedJob, "version"),
        (["version": "null"], .malformedJob, "version"),
        (["jobId": ""], .jobIDMissing, "jobId"),
        (["jobId": "null"], .malformedJob, "jobId"),
        (["jobId": "17"], .malformedJob, "jobId"),
        (["jobId": "\"\""], .malformedJob, "jobId"),
        (["jobId": "\"a b\""], .malformedJob, "jobId"),
        (["jobId": "\"a#1\""], .malformedJob, "jobId"),
        (["jobId": "\"jöb\""], .malformedJob, "jobId"),
        (["jobId": "\"a\\u0000\""], .malformedJob, "jobId"),
        (["jobId": "\"\(String(repeating: "j", count: 129))\""], .malformedJob, "jobId"),
        (["account": ""], .malformedJob, "account"),
        (["account": "null"], .malformedJob, "account"),
        (["account": "[]"], .malformedJob, "account"),
        (["account": "\"\""], .malformedJob, "account"),
        (["account": "\"\(String(repeating: "é", count: 128))a\""], .malformedJob, "account"),
        (["shareToken": ""], .malformedJob, "shareToken"),
        (["shareToken": "null"], .malformedJob, "shareToken"),
        (["shareToken": "1"], .malformedJob, "shareToken"),
        (["shareToken": "\"\""], .malformedJob, "shareToken"),
        (["shareToken": "\"\(String(repeating: "t", count: 2049))\""], .malformedJob, "shareToken"),
        (["requestedAt": "null"], .malformedJob, "requestedAt"),
        (["requestedAt": "1795463400"], .malformedJob, "requestedAt"),
        (["requestedAt": "\"2026-02-30T00:00:00Z\""], .malformedJob, "requestedAt"),
        (["deadline": "null"], .malformedJob, "deadline"),
        (["deadline": "\"tomorrow\""], .malformedJob, "deadline"),
        (["deadline": "\"2026-11-23T25:00:00Z\""], .malformedJob, "deadline"),
        (["metadata": "null"], .malformedJob, "metadata"),
        (["metadata": "[]"], .malformedJob, "metadata"),
        (["metadata": "{\"a\":\"b\",\"n\":1}"], .malformedJob, "metadata.n"),
        (["metadata": "{\"o\":{\"p\":\"q\"}}"], .malformedJob, "metadata.o"),
        (["metadata": "{\"x\":null}"], .malformedJob, "metadata.x"),
        (["metadata": "{\"\(token)\":1}"], .malformedJob, "metadata.<redacted>"),
        (["metadata": "{\"a\":\"\(String(repeating: "m", count: 2048))\"}"], .malformedJob, "metadata"),
        (
            ["metadata": "{\((0..<17).map { "\"\($0)\":\"\"" }.joined(separator: ","))}"], .malformedJob, "metadata"
        ),
    ]

    @Test("A broken rule has its reason, and the detail the member's path", arguments: badMembers.indices)
    func badMember(index: Int) throws {
        let (changes, reason, path) = Self.badMembers[index]
        let rejection = try #require(Self.rejection(Self.decode(Self.body(changes))), "\(changes)")
        #expect(rejection.reason == reason, "\(changes): \(rejection)")
        #expect(rejection.detail.hasPrefix("\(path): "), "\(changes): \(rejection)")
        #expect(!rejection.detail.contains(Self.token))
        #expect(rejection.detail.utf8.count <= 512)
        // What can be read of the two names is said, whatever else is wrong.
        if changes["jobId"] == nil { #expect(rejection.jobID == JobID("j-1")) } else { #expect(rejection.jobID == nil) }
        if changes["account"] == nil {
            #expect(rejection.account == AccountID("anna"))
        } else {
            #expect(rejection.account == nil)
        }
    }

    static let controlCodes: [UInt32] = [
        0x00, 0x09, 0x0A, 0x1F, 0x7F, 0x80, 0x85, 0x9F, 0x2028, 0x2029, 0x061C, 0x200E, 0x200F, 0x202A, 0x202E,
        0x2066,
        0x2069,
    ]

    @Test(
        "No control character gets into an account",
        arguments: controlCodes)
    func controlCharacters(code: UInt32) throws {
        let digits = String(code, radix: 16)
        let escaped = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        let rejection = try #require(Self.rejection(Self.decode(Self.body(["account": "\"ann\(escaped)a\""]))))
        #expect(rejection.reason == .malformedJob)
        #expect(rejection.detail.hasPrefix("account: it holds the control character U+"))
        #expect(rejection.detail.contains(digits.uppercased()))
    }

    @Test("Characters next to the forbidden ones are none", arguments: ["\u{a0}", "\u{2027}", "\u{202f}", "\u{200d}"])
    func ordinaryCharacters(text: String) throws {
        #expect(try Self.decode(Self.body(["account": "\"\(text)\""])).get().account == AccountID(text))
    }

    static let notOneObjectBodies: [[UInt8]] = [
        [], Array(" ".utf8), Array("{".utf8), Array("[]".utf8), Array("\"job\"".utf8), Array("null".utf8),
        [0xEF, 0xBB, 0xBF] + Array(body().utf8),
        [0xFF, 0xFE] + body().utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] },
        body().utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] },
        Array(String(repeating: "{\"a\":", count: 10_000).utf8),
    ]

    @Test(
        "A body that is not one JSON object of UTF-8 is malformed",
        arguments: notOneObjectBodies)
    func notOneObject(body: [UInt8]) throws {
        let result = JobDecoder.decode(body: body, contentType: nil, contentEncoding: nil, messageID: "m-1")
        let rejection = try #require(Self.rejection(result))
        #expect(rejection.reason == .malformedJob)
        #expect(rejection.detail.hasPrefix("the body: "))
        #expect((rejection.jobID, rejection.account) == (JobID("m-1"), nil))
    }

    @Test("The body's job id counts, whatever message-id a client made up")
    func madeUpMessageID() throws {
        for made in ["j-2", "5f0c8a0e-54d5-4c8e-9a5c-0a6f6f0a5c11", "{j 2}", String(repeating: "m", count: 255)] {
            #expect(try Self.decode(Self.body(), messageID: made).get().id == JobID("j-1"))
        }
        let rejection = try #require(Self.rejection(Self.decode(Self.body(["account": "7"]), messageID: "j-2")))
        #expect(rejection.jobID == JobID("j-1"))
    }

    @Test("A message-id in place of a job id keeps the rule, and does not mend a broken one")
    func messageIDs() throws {
        let broken = try #require(Self.rejection(Self.decode(Self.body(["jobId": ""]), messageID: "{j 2}")))
        #expect((broken.reason, broken.jobID) == (.malformedJob, nil))
        #expect(broken.detail.hasPrefix("message-id: "))
        let both = try #require(Self.rejection(Self.decode(Self.body(["jobId": "\"\""]), messageID: "j-2")))
        #expect((both.reason, both.jobID) == (.malformedJob, nil))
    }

    @Test(
        "JSON is taken under its names",
        arguments: [
            ("application/json", nil), ("Application/JSON", nil), ("application/json; charset=utf-8", nil),
            ("application/json;charset=\"UTF-8\"", nil), ("application/json ; profile=x", nil), ("", nil),
            (nil, "identity"), (nil, "UTF-8"), (nil, ""),
        ] as [(String?, String?)])
    func content(type: String?, encoding: String?) {
        #expect(throws: Never.self) {
            try Self.decode(Self.body(), contentType: type, contentEncoding: encoding).get()
        }
    }

    @Test(
        "Other content is unsupported, and the job is named if it can be read",
        arguments: [
            ("text/plain", nil), ("application/json+x", nil), ("application/jsonl", nil), ("application", nil),
            (";", nil), ("application/json; charset=utf-16", nil), ("application/json; charset", nil),
            ("application/json", "gzip"), (nil, "utf-16"), (nil, "gzip, identity"),
        ] as [(String?, String?)])
    func unsupportedContent(type: String?, encoding: String?) throws {
        let readable = try #require(
            Self.rejection(Self.decode(Self.body(), contentType: type, contentEncoding: encoding)))
        #expect((readable.reason, readable.jobID) == (.unsupportedContent, JobID("j-1")))
        #expect(readable.account == AccountID("anna"))
        let unreadable = try #require(
            Self.rejection(Self.decode("\u{1f}\u{8b}", contentType: type, contentEncoding: encoding, messageID: "m")))
        #expect((unreadable.reason, unreadable.jobID) == (.unsupportedContent, JobID("m")))
    }

    @Test("A body that is too large is judged by its size alone")
    func tooLarge() throws {
        let body = String(repeating: "x", count: 65_537)
        let rejection = try #require(Self.rejection(Self.decode(body, contentType: "text/plain", messageID: "m")))
        #expect((rejection.reason, rejection.jobID) == (.bodyTooLarge, JobID("m")))
        let beginning = Array(body.utf8.prefix(10))
        #expect(JobDecoder.tooLarge(size: 65_537, beginning: beginning, messageID: "m") == rejection)
        #expect(JobDecoder.tooLarge(size: 1 << 40, beginning: [], messageID: "not an id").jobID == nil)
        let padded = Self.body(["padding": "\"\(body)\""])
        let named = try #require(Self.rejection(Self.decode(padded, messageID: "m")))
        #expect((named.reason, named.jobID, named.account) == (.bodyTooLarge, JobID("j-1"), AccountID("anna")))
        #expect(!named.detail.contains(Self.token))
    }

    @Test("Composed and decomposed forms of one name are two accounts")
    func identityIsBytes() throws {
        let composed = try Self.decode(Self.body(["account": "\"zo\\u00e9\""])).get().account
        let decomposed = try Self.decode(Self.body(["account": "\"zoe\\u0301\""])).get().account
        #expect(composed.string == decomposed.string)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test("Metadata names that differ in form alone are two members")
    func metadataNamesAreBytes() throws {
        let job = try Self.decode(Self.body(["metadata": #"{"\u00e9":"1","e\u0301":"2"}"#])).get()
        #expect(job.metadata.map(\.value) == [[0x31], [0x32]])
    }

    @Test("256 random mutations of a valid job give a job or a rejection, and none tells the token", arguments: 0..<256)
    func mutations(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var bytes = Array(
            Self.body([
                "version": "1", "requestedAt": "\"2026-11-23T19:49:00Z\"", "deadline": "\"2026-11-23T20:50:00Z\"",
                "metadata": #"{"team":"crm","ticket":"4711"}"#,
            ]).utf8)
        for _ in 0..<Int.random(in: 1...6, using: &random) { Self.mutate(&bytes, &random) }
        let result = JobDecoder.decode(
            body: bytes, contentType: Bool.random(using: &random) ? nil : "application/json", contentEncoding: nil,
            messageID: Bool.random(using: &random) ? nil : "j-1")
        switch result {
        case .success(let job):
            #expect(JobID.fault(in: job.id.utf8) == nil)
            #expect(AccountID.fault(in: job.account.utf8) == nil)
            #expect((1...2048).contains(job.shareToken.secret.count))
        case .failure(let rejection):
            #expect(rejection.reason.outcome == .rejected)
            #expect(!rejection.detail.isEmpty && rejection.detail.utf8.count <= 512)
            #expect(!rejection.detail.contains(Self.token.prefix(12)))
            // Whatever it is, its result can be published and read.
            let result = JobResult(rejecting: rejection)
            #expect(try JobResult.decode(result.encoded()).reason == rejection.reason)
        }
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return }
        let index = Int.random(in: bytes.indices, using: &random)
        let other = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: index)
        case 2: bytes.insert(Array("\"\\{}[]:,0nt\u{0}".utf8).randomElement(using: &random) ?? 0, at: index)
        case 3: bytes.swapAt(index, other)
        case 4: bytes.removeSubrange(min(index, other)..<max(index, other))
        default: bytes.insert(contentsOf: bytes[min(index, other)..<max(index, other)], at: index)
        }
    }
}
