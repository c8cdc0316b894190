import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import Operations

/// What the ledger says of messages that wait.
@Suite struct PreviewRequestTests {
    private static let start = Timestamp(milliseconds: 1_700_000_000_000)

    /// What no copy waits for any more, and what waits for its newer copy; the stop of the worker is no time of theirs.
    @Test func aPreviewKnowsCopiesAndTheAgeWithoutHolds() {
        let (id, now) = (JobID("j"), Self.start + .seconds(1000))
        let waiting = WaitingJob(jobID: id, account: AccountID("anna"), tokenHash: "ab", generation: 1, copy: 1)
        func known(
            copy: Int, due: Timestamp? = nil, isPublished: Bool = true, generation: Int = 1,
            state: JobStatus.State = .waiting
        ) -> KnownJob {
            let open = OpenJob(
                generation: generation, copy: copy, attempts: 2, isAmbiguous: false, firstSeen: Self.start,
                firstCallAt: Self.start, due: due, copyIsPublished: isPublished)
            let record = JobRecord(
                jobID: id, account: AccountID("anna"), tokenHash: "ab", generation: generation, attempts: 2,
                isAmbiguous: false, firstSeen: Self.start, firstCallAt: Self.start, changedAt: now,
                state: .open(open, isCalling: false), results: [], events: [],
                holds: [
                    HoldRecord(
                        cause: .quotaDay, since: Self.start + .seconds(100), until: Self.start + .seconds(400),
                        detail: ""),
                    HoldRecord(
                        cause: .apiUnavailable, since: Self.start + .seconds(300), until: Self.start + .seconds(500),
                        detail: ""),
                    HoldRecord(cause: .operatorPaused, since: Self.start + .seconds(900), until: nil, detail: ""),
                ])
            return KnownJob(waiting, record, JobStatus(jobID: id, generation: generation, state: state), at: now)
        }
        #expect(known(copy: 1) == KnownJob(.open, attempts: 2, age: .seconds(500)))
        #expect(known(copy: 0).state == .open, "the ledger is older than the copy")
        let (due, late) = (now + .seconds(5), now - .seconds(121))
        #expect(known(copy: 2, due: due) == KnownJob(.parked, until: due))
        #expect(known(copy: 2, due: due, isPublished: false) == KnownJob(.unparked, until: due))
        #expect(known(copy: 2, due: late).state == .open, "it is overdue, and this one takes its place")
        #expect(known(copy: 1, state: .cancelled).state == .cancelled)
        #expect(known(copy: 1, generation: 2).state == .superseded)
        #expect(known(copy: 1, generation: 0).state == .open, "a newer generation comes")
        let cancelled = JobStatus(jobID: id, generation: 0, state: .cancelled)
        #expect(KnownJob(waiting, nil, cancelled, at: now).state == .cancelled)
    }
}

/// The forms of `preview` and `in_flight`.
extension OperatorRequestTests {
    static let inFlightRequests: [(InFlightRequest, String)] = [(InFlightRequest(limit: 20), #"{"limit":20}"#)]

    static let inFlightAnswers: [(InFlightRequest.Answer, String)] = [
        (
            .init(
                jobs: [
                    .init(
                        jobID: JobID("j-1"), account: AccountID("anna"), lane: "jobs", generation: 1,
                        state: "running", waited: .milliseconds(1500)),
                    .init(
                        jobID: nil, account: nil, lane: "broken", generation: 0, state: "settling", waited: .zero),
                ], total: 7, holds: ["quota_day"]),
            #"{"holds":["quota_day"],"jobs":[{"account":"anna","generation":1,"jobId":"j-1","#
                + #""lane":"jobs","state":"running","waitedMs":1500},{"generation":0,"lane":"broken","#
                + #""state":"settling","waitedMs":0}],"total":7}"#
        )
    ]

    static let previews: [(PreviewRequest, String)] = [
        (
            PreviewRequest([
                WaitingJob(
                    jobID: JobID("j-1"), account: AccountID("anna"), tokenHash: "ab", generation: 1, copy: 2)
            ]),
            #"{"jobs":[{"account":"anna","copy":2,"generation":1,"jobId":"j-1","tokenSha256":"ab"}]}"#
        )
    ]

    static let previewAnswers: [(PreviewRequest.Answer, String)] = [
        (
            .init(
                jobs: [
                    KnownJob(.open), KnownJob(.parked, attempts: 3, until: time),
                    KnownJob(
                        .finished, isAmbiguous: true, age: .seconds(2), outcome: "failed", reason: "poison"),
                ], holds: ["operator_paused"]),
            #"{"holds":["operator_paused"],"jobs":[{"ambiguous":false,"attempts":0,"state":"open"},"#
                + #"{"ambiguous":false,"attempts":3,"state":"parked","until":"\#(time.rfc3339)"},"#
                + #"{"ageMs":2000,"ambiguous":true,"attempts":0,"outcome":"failed","reason":"poison","#
                + #""state":"finished"}]}"#
        )
    ]
}
