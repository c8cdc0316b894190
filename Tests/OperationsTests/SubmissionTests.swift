import Jobs
import Secrets
import Testing
import Threads

@testable import Operations

@Suite struct SubmissionTests {
    private static let noon = Timestamp(milliseconds: 1_795_521_600_000)

    private func submission(
        id: String? = "one", account: String = "anna", token: String = "token", deadline: String? = nil,
        metadata: [Job.Metadatum] = []
    ) throws(Rejection) -> Submission {
        try Submission(
            jobID: id.map { JobID($0) }, account: Array(account.utf8), shareToken: Array(token.utf8),
            deadline: deadline, metadata: metadata, requestedAt: Self.noon)
    }

    @Test func theBodyIsAJobThatTheWorkerReads() throws {
        let submission = try submission(
            deadline: "2026-12-01T00:00:00Z", metadata: [.init(key: Array("k".utf8), value: Array("v".utf8))])
        let job = try JobDecoder.decode(
            body: submission.body, contentType: "application/json", contentEncoding: nil, messageID: nil
        ).get()
        #expect(job.id == JobID("one"))
        #expect(job.account == AccountID("anna"))
        #expect(job.requestedAt == Self.noon.rfc3339)
        #expect(job.deadline == Timestamp(rfc3339: "2026-12-01T00:00:00Z"))
        #expect(job.metadata.map(\.key) == [Array("k".utf8)])
    }

    @Test func aJobWithoutAnIDGetsOneOfItsOwn() throws {
        let ids = try (0..<100).map { _ in try #require(try submission(id: nil).jobID) }
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { JobID(checking: $0.utf8) != nil })
    }

    @Test func whatTheWorkerWouldRejectIsNotSubmitted() {
        #expect(throws: Rejection.self) { try submission(account: "") }
        #expect(throws: Rejection.self) { try submission(token: "") }
        #expect(throws: Rejection.self) { try submission(deadline: "tomorrow") }
    }

    @Test func linesAreJobsInTheirOrder() throws {
        let text = """
            {"jobId":"a","account":"x","shareToken":"t"}\r

            \t
            {"jobId":"b","account":"x","shareToken":"t"}
            {"account":"x","shareToken":"t"}
            """
        let submissions = try SubmissionLines.read(Array(text.utf8)).get()
        #expect(submissions.prefix(2).map(\.jobID?.string) == ["a", "b"])
        #expect(submissions.count == 3)
        #expect(submissions[2].jobID != nil)
        #expect(submissions[0].body == Array(#"{"jobId":"a","account":"x","shareToken":"t"}"#.utf8))
    }

    @Test func everyFaultIsToldWithItsLineAndNothingIsSubmitted() {
        let text = """
            {"jobId":"a","account":"x","shareToken":"t"}
            nonsense

            {"jobId":"b","shareToken":"t"}
            """
        guard case .failure(let faults) = SubmissionLines.read(Array(text.utf8)) else {
            Issue.record("a list with faults was taken")
            return
        }
        #expect(faults.faults.map(\.line) == [2, 4])
        #expect(faults.faults.map(\.description)[1].contains("account"))
    }

    @Test func uncheckedLinesGoAsTheyAre() {
        let submissions = SubmissionLines.unchecked(Array("nonsense\n{\"jobId\":\"a\"}\n".utf8))
        #expect(submissions.map(\.body) == [Array("nonsense".utf8), Array("{\"jobId\":\"a\"}".utf8)])
        #expect(submissions.map(\.jobID?.string) == [nil, "a"])
    }
}
