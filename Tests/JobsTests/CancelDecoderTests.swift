import Jobs
import Testing

@Suite("A cancel message names a job")
struct CancelDecoderTests {
    static func decode(_ body: String, contentType: String? = "application/json") -> Result<JobID, Rejection> {
        CancelDecoder.decode(body: Array(body.utf8), contentType: contentType, contentEncoding: nil)
    }

    @Test("Version may be left out, and unknown members are ignored")
    func valid() throws {
        #expect(try Self.decode(#"{"version":1,"jobId":"j-1"}"#).get() == JobID("j-1"))
        #expect(try Self.decode(#"{"jobId":"j-1","why":null}"#).get() == JobID("j-1"))
    }

    static let namingNoJob: [(String, Reason)] = [
        (#"{"version":2,"jobId":"j-1"}"#, Reason.unsupportedVersion), (#"{"version":1}"#, .jobIDMissing),
        (#"{"jobId":null}"#, .malformedJob), (#"{"jobId":"a b"}"#, .malformedJob), ("[]", .malformedJob),
        ("", .malformedJob), (#"{"jobId":"a","jobId":"b"}"#, .malformedJob),
        (String(repeating: " ", count: 65_537), .bodyTooLarge),
    ]

    @Test(
        "What names no job has its reason",
        arguments: namingNoJob)
    func invalid(body: String, reason: Reason) {
        #expect(throws: Rejection.self) { try Self.decode(body).get() }
        guard case .failure(let rejection) = Self.decode(body) else { return }
        #expect(rejection.reason == reason)
    }

    @Test("Other content is unsupported")
    func content() {
        guard case .failure(let rejection) = Self.decode(#"{"jobId":"j-1"}"#, contentType: "text/plain") else {
            Issue.record("it was taken")
            return
        }
        #expect((rejection.reason, rejection.jobID) == (.unsupportedContent, JobID("j-1")))
    }
}
