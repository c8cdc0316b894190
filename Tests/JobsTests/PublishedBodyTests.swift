import Clocks
import Concurrency
import Jobs
import Testing

/// What publishers put into a body besides the job, and what is read of a body that is none.
@Suite struct PublishedBodyTests {
    private static func decode(_ body: String, messageID: String? = nil) -> Result<Job, Rejection> {
        JobDecoder.decode(body: Array(body.utf8), contentType: nil, contentEncoding: nil, messageID: messageID)
    }

    private static func rejection(_ body: String, messageID: String? = nil) -> Rejection? {
        guard case .failure(let rejection) = decode(body, messageID: messageID) else { return nil }
        return rejection
    }

    private static func nested(_ levels: Int) -> String {
        String(repeating: #"{"a":["#, count: levels / 2) + String(repeating: "]}", count: levels / 2)
    }

    /// Values that JSON allows and no reader need hold.
    static let strangeValues: [String] = [
        "18446744073709551615", "-9223372036854775809", String(repeating: "9", count: 5_000), "1e400", "-1E+400",
        "0.1e-99999", "1." + String(repeating: "0", count: 5_000), nested(60), nested(16_000), #""\ud800""#,
        #""\udc00\ud800""#, #"{"a\u0000b":1}"#, #"{"a":1,"a":2}"#, #"[{"x":{"x":1,"x":[]}}]"#, #""\u0000""#, "null",
        #""\\\"}""#, "[[],{},[{}]]", "\t[\n1\r,\n2 ] ",
    ]

    @Test("An unknown member may hold anything that is JSON", arguments: strangeValues.indices)
    func unknownMember(index: Int) throws {
        let value = Self.strangeValues[index]
        for body in [
            #"{"x":\#(value),"jobId":"j","account":"anna","shareToken":"t"}"#,
            #"{"jobId":"j","account":"anna","shareToken":"t","x":\#(value)}"#,
        ] {
            let job = try Self.decode(body).get()
            #expect((job.id, job.account) == (JobID("j"), AccountID("anna")))
        }
        let cancelled = CancelDecoder.decode(
            body: Array(#"{"x":\#(value),"jobId":"j"}"#.utf8), contentType: nil, contentEncoding: nil)
        #expect(throws: Never.self) { try cancelled.get() }
    }

    static let strangeNames: [String] = [
        #""a\u0000b""#, #""\ud800""#, #""""#, #""jobID""#, #""jobId\u0000""#, #""x":1,"x""#,
    ]

    @Test("An unknown member may have any name", arguments: strangeNames)
    func unknownName(name: String) throws {
        let job = try Self.decode(#"{\#(name):1,"jobId":"j","account":"anna","shareToken":"t"}"#).get()
        #expect(job.id == JobID("j"))
    }

    @Test("A name that is written with escapes is the same name")
    func escapedName() throws {
        let job = try Self.decode(#"{"job\u0049d":"j","\u0061ccount":"anna","shareToken":"t"}"#).get()
        #expect(job.account == AccountID("anna"))
        let twice = Self.rejection(#"{"jobId":"j","job\u0049d":"k","account":"anna","shareToken":"t"}"#)
        #expect(twice?.reason == .malformedJob)
    }

    /// Text that no grammar of JSON allows, in a member that nobody reads.
    static let faultyTexts: [String] = [
        "01", "1.", ".5", "+1", "1e", "0x1", "NaN", "Infinity", "tru", "nulll", "'a'", #""\x""#, #""\u12g4""#, "[1,]",
        "{1:2}", #"{"a"}"#, #"{"a":1,}"#, "[1 2]", "[}", "\"\n\"", "\"a", "[", "", "/**/1", "\u{a0}1",
    ]

    @Test("What is no JSON is malformed wherever it stands", arguments: faultyTexts)
    func notJSON(value: String) {
        let rejection = Self.rejection(#"{"jobId":"j","account":"anna","shareToken":"t","x":\#(value)}"#)
        #expect(rejection?.reason == .malformedJob)
        #expect(rejection?.detail.hasPrefix("the body: ") == true)
        // What stood before the fault could be read.
        #expect((rejection?.jobID, rejection?.account) == (JobID("j"), AccountID("anna")))
    }

    /// Of a named member, and what its fault is said to be.
    static let strangeMembers: [(String, String, Reason, String)] = [
        ("version", "18446744073709551615", .unsupportedVersion, "version: "),
        ("version", "1e400", .malformedJob, "version: a number is out of range"),
        ("jobId", #""\ud800""#, .malformedJob, "jobId: "), ("account", #""\ud800""#, .malformedJob, "account: "),
        ("account", "1e400", .malformedJob, "account: a number is out of range"),
        ("metadata", nested(60), .malformedJob, "metadata: it is nested deeper"),
        ("metadata", #"{"a":"1","a":"2"}"#, .malformedJob, "metadata: an object has two members"),
        ("metadata", #"{"a\ud800":"1"}"#, .malformedJob, "metadata: "),
        ("deadline", "18446744073709551615", .malformedJob, "deadline: a number is out of range"),
    ]

    @Test("A named member that cannot be read is named", arguments: strangeMembers.indices)
    func namedMember(index: Int) throws {
        let (name, value, reason, beginning) = Self.strangeMembers[index]
        var members = ["jobId": #""j""#, "account": #""anna""#, "shareToken": #""t""#]
        members[name] = value
        let body = members.map { #""\#($0)":\#($1)"# }.joined(separator: ",")
        let rejection = try #require(Self.rejection("{\(body)}", messageID: "m"))
        #expect(rejection.reason == reason)
        #expect(rejection.detail.hasPrefix(beginning), "\(rejection.detail)")
        #expect(rejection.jobID == (name == "jobId" ? nil : JobID("j")))
        #expect(rejection.account == (name == "account" ? nil : AccountID("anna")))
    }

    /// What of a faulty body can be read: the job id, with the message-id where the body holds none, and the account.
    static let faultyBodies: [(String, String?, String?)] = [
        (#"{"jobId":"j","account":"anna","shareToken":"s3c"#, "j", "anna"),
        (#"{"jobId":"j","account":"an"#, "j", nil),
        (#"{"account":"anna","jobId":"#, "m", "anna"),
        (#"{"account":"anna""#, "m", "anna"),
        (#"{"jobId":"j","account":"anna","shareToken":"t"},"#, "j", "anna"),
        (#"{"jobId":"j","account":"anna","shareToken":"t"}{"jobId":"k"}"#, "j", "anna"),
        (#"{"jobId":"j","jobId":"k","account":"anna","shareToken":"t"}"#, nil, "anna"),
        (#"{"jobId":"j","account":"anna","account":"bob","shareToken":"t"}"#, "j", nil),
        (#"[{"jobId":"j"}]"#, "m", nil), ("", "m", nil), ("{", "m", nil),
    ]

    @Test("What can be read of a body that is no job is said", arguments: faultyBodies.indices)
    func faultyBody(index: Int) throws {
        let (body, id, account) = Self.faultyBodies[index]
        let rejection = try #require(Self.rejection(body, messageID: "m"))
        #expect((rejection.reason, rejection.jobID?.string) == (.malformedJob, id))
        #expect(rejection.account?.string == account)
        #expect(rejection.detail.hasPrefix("the body: ") && !rejection.detail.contains("s3c"))
    }

    @Test("Bytes that are no UTF-8 are malformed also where nobody reads")
    func invalidUTF8() {
        let body = Array(#"{"jobId":"j","account":"anna","shareToken":"t","x":""#.utf8) + [0xC3] + Array(#""}"#.utf8)
        let result = JobDecoder.decode(body: body, contentType: nil, contentEncoding: nil, messageID: nil)
        guard case .failure(let rejection) = result else {
            Issue.record("it was taken")
            return
        }
        #expect(rejection.detail == "the body: it is not valid UTF-8 at byte \(body.count - 3)")
        #expect((rejection.jobID, rejection.account) == (JobID("j"), AccountID("anna")))
    }
}
