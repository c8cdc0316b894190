import Clocks
import Jobs
import Secrets
import Testing

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
        let list = try SubmissionLines.read(Array(text.utf8)).get()
        let submissions = list.submissions
        #expect(list.repetitions == [])
        #expect(submissions.prefix(2).map(\.jobID?.string) == ["a", "b"])
        #expect(submissions.count == 3)
        #expect(submissions[2].jobID != nil)
        #expect(submissions[0].body == Array(#"{"jobId":"a","account":"x","shareToken":"t"}"#.utf8))
    }

    @Test func everyFaultIsReportedWithItsLineAndNothingIsSubmitted() {
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

    /// The worker would take one of the two and answer the other with its result.
    @Test func oneIDForTwoJobsIsAFaultThatNamesBothLines() {
        let first = #"{"jobId":"a","account":"x","shareToken":"t","metadata":{"k":"v"}}"#
        let others = [
            "account": #"{"jobId":"a","account":"y","shareToken":"t","metadata":{"k":"v"}}"#,
            "share token": #"{"jobId":"a","account":"x","shareToken":"u","metadata":{"k":"v"}}"#,
            "deadline":
                #"{"jobId":"a","account":"x","shareToken":"t","deadline":"2026-12-01T00:00:00Z","metadata":{"k":"v"}}"#,
            "requestedAt":
                #"{"jobId":"a","account":"x","shareToken":"t","requestedAt":"2026-12-01T00:00:00Z","metadata":{"k":"v"}}"#,
            "metadata": #"{"jobId":"a","account":"x","shareToken":"t","metadata":{"k":"w"}}"#,
        ]
        for (word, second) in others {
            let text = "\n\(first)\n{\"jobId\":\"b\",\"account\":\"x\",\"shareToken\":\"t\"}\n\(second)\n"
            guard case .failure(let faults) = SubmissionLines.read(Array(text.utf8)) else {
                Issue.record("\(word): two jobs of one id were taken")
                continue
            }
            #expect(faults.faults.map(\.description) == ["line 4: job a stands on line 2 with another \(word)"])
        }
    }

    @Test func theSameJobOnTwoLinesIsOneJobAndIsSaid() throws {
        let text = """
            {"jobId":"a","account":"x","shareToken":"t"}
            {"shareToken":"t", "account":"x", "jobId":"a"}
            {"account":"x","shareToken":"t"}
            {"account":"x","shareToken":"t"}
            """
        let list = try SubmissionLines.read(Array(text.utf8)).get()
        #expect(list.submissions.count == 3, "jobs without ids of their own are jobs each")
        #expect(list.repetitions.map(\.line) == [2])
        #expect(list.repetitions.first?.description.contains("line 1") == true)
    }

    /// Composed and decomposed forms are two accounts: identity is bytes.
    @Test func whatSwiftsStringsHoldForEqualIsStillAnother() {
        let text =
            #"{"jobId":"a","account":"é","shareToken":"t"}"# + "\n"
            + "{\"jobId\":\"a\",\"account\":\"e\u{301}\",\"shareToken\":\"t\"}"
        guard case .failure(let faults) = SubmissionLines.read(Array(text.utf8)) else {
            Issue.record("two accounts were taken for one")
            return
        }
        #expect(faults.faults.map(\.line) == [2])
    }

    // MARK: Events

    private static func events(_ types: [String] = ["leave", "other"]) throws -> EventSubmission {
        try #require(EventSubmission(types: types, source: "/me"))
    }

    @Test func aJobIsTheDataOfAnEventAndAnEventGoesAsItIs() throws {
        let data = #"{"account":"x","shareToken":"t"}"#
        let event = #"{"specversion":"1.0","id":"e-1","source":"/s","type":"other","data":\#(data)}"#
        let text = """
            {"jobId":"a","account":"x","shareToken":"t","requestedAt":"2026-11-23T19:50:00Z"}
            \(event)
            {"account":"x","shareToken":"t"}
            """
        let list = try SubmissionLines.read(Array(text.utf8), as: Self.events()).get().submissions
        #expect(list.allSatisfy { $0.contentType == "application/cloudevents+json" })
        #expect(list[0].jobID == JobID("a") && list[1].jobID == JobID("e-1"))
        #expect(list[1].body == Array(event.utf8))
        for (submission, source) in zip(list, ["/me", "/s", "/me"]) {
            let job = try EventDecoder.decode(
                body: submission.body, contentType: submission.contentType, contentEncoding: nil,
                types: ["leave", "other"]
            ).get()
            #expect(job.id == submission.jobID && job.event?.source == Array(source.utf8))
            #expect(job.account == AccountID("x"))
        }
        let first = try EventDecoder.decode(
            body: list[0].body, contentType: list[0].contentType, contentEncoding: nil, types: ["leave"]
        ).get()
        #expect(first.event?.time == "2026-11-23T19:50:00Z" && first.requestedAt == "2026-11-23T19:50:00Z")
        #expect(try submission(id: nil).contentType == "application/json")
        #expect(EventSubmission(types: [], source: "/me") == nil)
    }

    @Test func aListWithAnEventThatTheWorkerWouldRejectIsRefused() throws {
        let text = """
            {"specversion":"1.0","id":"e-1","source":"/s","type":"never","data":{"account":"x","shareToken":"t"}}
            {"specversion":"1.0","id":"e-2","source":"/s","type":"leave","data":{"account":"x","shareToken":"t"}}
            {"specversion":"1.0","id":"e-2","source":"/z","type":"leave","data":{"account":"x","shareToken":"t"}}
            """
        guard case .failure(let faults) = SubmissionLines.read(Array(text.utf8), as: try Self.events()) else {
            Issue.record("it was not refused")
            return
        }
        #expect(faults.faults.map(\.line) == [1, 3])
        #expect(faults.faults[0].description.contains("unsupported_event_type"))
        #expect(faults.faults[1].description.contains("another source"))
        let unchecked = SubmissionLines.unchecked(Array(text.utf8), asEvents: true)
        #expect(unchecked.map(\.jobID) == [JobID("e-1"), JobID("e-2"), JobID("e-2")])
    }

    @Test func uncheckedLinesGoAsTheyAre() {
        let submissions = SubmissionLines.unchecked(Array("nonsense\n{\"jobId\":\"a\"}\n".utf8))
        #expect(submissions.map(\.body) == [Array("nonsense".utf8), Array("{\"jobId\":\"a\"}".utf8)])
        #expect(submissions.map(\.jobID?.string) == [nil, "a"])
    }
}
