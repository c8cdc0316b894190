import Clocks
import JSON
import Jobs
import Telemetry
import Testing

@testable import Ledger
@testable import Operations

/// The requests of the control socket and their answers, in the form that other tools read.
@Suite struct OperatorRequestTests {
    static let time = Timestamp(milliseconds: 1_795_463_400_123)
    static let later = Timestamp(milliseconds: 1_795_467_000_000)
    private static let id = JobID("j-1")

    // MARK: The form

    @Test(arguments: RequestName.allCases)
    func aRequestAndItsAnswersAreReadAsTheyAreWritten(name: RequestName) throws {
        switch name {
        case .status:
            try check(
                name, [(StatusRequest(), "{}")],
                answers: [(try JSONValue.parse(Array(#"{"state":"consuming"}"#.utf8)), #"{"state":"consuming"}"#)])
        case .pause:
            try check(
                name,
                [
                    (PauseRequest(), "{}"), (PauseRequest(account: AccountID("anna")), #"{"account":"anna"}"#),
                    (PauseRequest(instance: "b"), #"{"instance":"b"}"#),
                ],
                answers: [
                    (.init(paused: "anna"), #"{"paused":"anna"}"#),
                    (
                        .init(paused: "anna", cluster: .complete),
                        #"{"cluster":{"state":"complete"},"paused":"anna"}"#
                    ),
                    (
                        .init(paused: "anna", cluster: .lacking([MemberIdentity(name: "b", epoch: 4)])),
                        #"{"cluster":{"lacking":[{"epoch":4,"name":"b"}],"state":"lacking"},"paused":"anna"}"#
                    ),
                ])
        case .resume:
            try check(
                name,
                [
                    (ResumeRequest(), "{}"), (ResumeRequest(account: AccountID("anna")), #"{"account":"anna"}"#),
                    (ResumeRequest(cause: "quota_day"), #"{"cause":"quota_day"}"#),
                    (ResumeRequest(instance: "b"), #"{"instance":"b"}"#),
                ],
                answers: [
                    (.init(isProbing: true), #"{"lifted":[],"probing":true}"#),
                    (.init(lifted: ["quota_day"], isProbing: false), #"{"lifted":["quota_day"],"probing":false}"#),
                    (
                        .init(isProbing: true, cluster: .unwritten),
                        #"{"cluster":{"state":"unwritten"},"lifted":[],"probing":true}"#
                    ),
                ])
        case .probe:
            try check(
                name, [(ProbeRequest(), "{}")],
                answers: [
                    (.init(isProbing: true), #"{"probing":true}"#),
                    (
                        .init(isProbing: true, cluster: .complete),
                        #"{"cluster":{"state":"complete"},"probing":true}"#
                    ),
                ])
        case .holds:
            try check(
                name, [(HoldsRequest(), "{}"), (HoldsRequest(instance: "b"), #"{"instance":"b"}"#)],
                answers: Self.holds)
        case .quota: try check(name, [(QuotaRequest(), "{}")], answers: Self.quotas)
        case .inFlight: try check(name, Self.inFlightRequests, answers: Self.inFlightAnswers)
        case .preview: try check(name, Self.previews, answers: Self.previewAnswers)
        case .queues:
            try check(
                name, [(QueuesRequest(), "{}")],
                answers: [
                    (
                        .init(queues: [
                            .init(name: "a.jobs", messages: 3, consumers: 1),
                            .init(name: "a.due", messages: nil, consumers: nil),
                        ]), #"{"queues":[{"consumers":1,"messages":3,"name":"a.jobs"},{"name":"a.due"}]}"#
                    )
                ])
        case .job: try check(name, [(JobRequest(Self.id), #"{"jobId":"j-1"}"#)], answers: Self.histories)
        case .jobCancel: try check(name, Self.cancels, answers: Self.cancelled)
        case .jobNote:
            try check(
                name,
                [
                    (
                        JobNoteRequest(Self.id, generation: 2, kind: "redriven", detail: "by anna"),
                        #"{"detail":"by anna","generation":2,"jobId":"j-1","kind":"redriven"}"#
                    )
                ], answers: [(.init(), #"{"noted":true}"#)])
        case .reconcile:
            try check(
                name, [(ReconcileRequest([Self.id, JobID("j-2")]), #"{"jobIds":["j-1","j-2"]}"#)],
                answers: Self.reconciled)
        case .resultsReplay: try check(name, Self.replays, answers: Self.replayed)
        case .ledgerStatistics: try check(name, [(LedgerStatisticsRequest(), "{}")], answers: Self.statistics)
        case .ledgerPrune:
            try check(
                name, [(LedgerPruneRequest(olderThan: .seconds(3600)), #"{"olderThanSeconds":3600}"#)],
                answers: [(.init(pruned: 7), #"{"pruned":7}"#)])
        case .ledgerVerify:
            try check(
                name, [(LedgerVerifyRequest(), "{}")],
                answers: [(.init(faults: []), #"{"faults":[]}"#), (.init(faults: ["torn"]), #"{"faults":["torn"]}"#)])
        case .ledgerForget:
            try check(
                name,
                [
                    (LedgerForgetRequest.job(Self.id), #"{"jobId":"j-1"}"#),
                    (.account(AccountID("anna")), #"{"account":"anna"}"#),
                ], answers: [(.init(forgotten: 3, needed: 2), #"{"forgotten":3,"needed":2}"#)])
        case .ledgerMembers: try check(name, [(LedgerMembersRequest(), "{}")], answers: Self.members)
        case .ledgerBackup:
            try check(
                name, [(LedgerBackupRequest(file: "/copy"), #"{"file":"/copy"}"#)],
                answers: [(.init(file: "/copy"), #"{"file":"/copy"}"#)])
        }
    }

    private static let holds: [(HoldsRequest.Answer, String)] = [
        (.init(holds: [], accounts: []), #"{"accounts":[],"holds":[]}"#),
        (
            .init(holds: [], accounts: [], members: [.init(name: "b", epoch: 7, holds: ["member_paused"])]),
            #"{"accounts":[],"holds":[],"members":[{"epoch":7,"holds":["member_paused"],"name":"b"}]}"#
        ),
        (
            .init(
                holds: [
                    .init(
                        cause: "api_disabled", since: time, nextProbeAt: later, detail: "off", tried: 2, ended: ["j-1"]),
                    .init(cause: "broker_blocked", since: time, nextProbeAt: nil, detail: "full"),
                ],
                accounts: [
                    .init(account: AccountID("anna"), cause: "refused", until: later, detail: "no"),
                    .init(account: AccountID("bert"), cause: "operator_paused", until: nil, detail: nil),
                ]),
            #"{"accounts":[{"account":"anna","cause":"refused","detail":"no","until":"2026-11-23T20:50:00.000Z"},"#
                + #"{"account":"bert","cause":"operator_paused"}],"holds":[{"cause":"api_disabled","detail":"off","#
                + #""ended":["j-1"],"nextProbeAt":"2026-11-23T20:50:00.000Z","#
                + #""redrive":"leave-albumd dead redrive --job=j-1","since":"2026-11-23T19:50:00.123Z","tried":2},"#
                + #"{"cause":"broker_blocked","detail":"full","since":"2026-11-23T19:50:00.123Z"}]}"#
        ),
    ]

    private static let quotas: [(QuotaRequest.Answer, String)] = [
        (
            .init(
                day: "2026-11-23", calls: 40, albumQueries: 2, limit: 100, resetsAt: later, pace: "even", backlog: 9,
                doneAt: time),
            #"{"backlog":9,"calls":40,"day":"2026-11-23","doneAt":"2026-11-23T19:50:00.123Z","limit":100,"#
                + #""pace":"even","probes":2,"remaining":58,"resetsAt":"2026-11-23T20:50:00.000Z"}"#
        ),
        (
            .init(
                day: "2026-11-23", calls: 40, albumQueries: 2, limit: 0, resetsAt: later, pace: "asap", backlog: nil,
                doneAt: nil),
            #"{"calls":40,"day":"2026-11-23","limit":0,"pace":"asap","probes":2,"#
                + #""resetsAt":"2026-11-23T20:50:00.000Z"}"#
        ),
    ]

    private static var histories: [(JobHistory, String)] {
        let open = OpenJob(
            generation: 1, copy: 2, attempts: 3, isAmbiguous: true, firstSeen: time, due: later, copyIsPublished: true)
        var waiting = open
        waiting.due = nil
        func history(_ state: JobRecord.State, isRich: Bool = false) -> JobHistory {
            JobHistory(
                JobRecord(
                    jobID: id, account: AccountID("anna"), tokenHash: "ab", generation: 1, attempts: 3,
                    isAmbiguous: true, firstSeen: time, firstCallAt: isRich ? later : nil, changedAt: later,
                    state: state,
                    results: isRich
                        ? [
                            StoredResult(
                                messageID: "j-1#0", outcome: .failed, reason: .cancelled,
                                body: Array(#"{"outcome":"failed"}"#.utf8), correlationID: nil,
                                traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                tracestate: nil, completedAt: time)
                        ] : [],
                    events: isRich
                        ? [JobEvent(jobID: id, generation: 1, at: time, kind: "called", detail: "503")] : [],
                    holds: isRich
                        ? [
                            HoldRecord(cause: .quotaDay, since: time, until: later, detail: "spent"),
                            HoldRecord(cause: .apiDisabled, since: time, until: nil, detail: "off"),
                        ] : []))
        }
        func text(_ state: String, before: String = "", after: String = "") -> String {
            #"{"account":"anna","ambiguous":true,"attempts":3,"changedAt":"2026-11-23T20:50:00.000Z","# + before
                + #""events":[],"firstSeenAt":"2026-11-23T19:50:00.123Z","generation":1,"holds":[],"jobId":"j-1","#
                + after + #""results":[],"state":"\#(state)","tokenSha256":"ab"}"#
        }
        let parked = #""copyPublished":true,"dueAt":"2026-11-23T20:50:00.000Z","#
        return [
            (history(.open(waiting, isCalling: false)), text("waiting")),
            (history(.open(waiting, isCalling: true)), text("calling")),
            (history(.open(open, isCalling: false)), text("parked", before: parked)),
            (history(.open(open, isCalling: true)), text("calling", before: parked)),
            (
                history(.finished(resultIsPublished: true, deadLetterIsPublished: false), isRich: true),
                #"{"account":"anna","ambiguous":true,"attempts":3,"changedAt":"2026-11-23T20:50:00.000Z","events":"#
                    + #"[{"at":"2026-11-23T19:50:00.123Z","detail":"503","generation":1,"kind":"called"}],"#
                    + #""firstCallAt":"2026-11-23T20:50:00.000Z","firstSeenAt":"2026-11-23T19:50:00.123Z","#
                    + #""generation":1,"holds":[{"cause":"quota_day","detail":"spent","#
                    + #""since":"2026-11-23T19:50:00.123Z","until":"2026-11-23T20:50:00.000Z"},"#
                    + #"{"cause":"api_disabled","detail":"off","since":"2026-11-23T19:50:00.123Z"}],"jobId":"j-1","#
                    + #""letterPublished":false,"resultPublished":true,"results":[{"body":{"outcome":"failed"},"#
                    + #""completedAt":"2026-11-23T19:50:00.123Z","messageId":"j-1#0"}],"state":"finished","#
                    + #""tokenSha256":"ab","traceId":"0af7651916cd43dd8448eb211c80319c"}"#
            ),
        ]
    }

    private static let cancels: [(JobCancelRequest, String)] = [
        (JobCancelRequest(id, by: "uid 7"), #"{"by":"uid 7","jobId":"j-1"}"#),
        (JobCancelRequest(id, by: nil), #"{"jobId":"j-1"}"#),
    ]

    private static let cancelled: [(ForcedCancel, String)] = [
        (
            .ended(id, JobEnding(outcome: .failed, reason: .cancelled, effect: .unknown), isPublished: true),
            #"{"effect":"unknown","jobId":"j-1","outcome":"failed","published":true,"reason":"cancelled","#
                + #""state":"ended"}"#
        ),
        (
            .hadEnded(id, JobEnding(outcome: .left, reason: nil, effect: .left)),
            #"{"effect":"left","jobId":"j-1","outcome":"left","state":"had_ended"}"#
        ),
        (.remembered(id), #"{"jobId":"j-1","state":"remembered"}"#),
        (.leased(id, until: time), #"{"jobId":"j-1","state":"leased","until":"2026-11-23T19:50:00.123Z"}"#),
    ]

    private static let reconciled: [(ReconcileRequest.Answer, String)] = {
        let ended = ReconciledJob.State.ended(
            JobEnding(outcome: .failed, reason: .cancelled, effect: .notLeft), next: .fixRequest, completedAt: time)
        let bare = ReconciledJob.State.ended(
            JobEnding(outcome: .left, reason: nil, effect: nil), next: nil, completedAt: nil)
        let states: [(ReconciledJob.State, String)] = [
            (.unknown, #""state":"unknown"}"#), (.cancelled, #""state":"cancelled"}"#),
            (.waiting, #""state":"waiting"}"#), (.calling, #""state":"calling"}"#),
            (bare, #""outcome":"left","state":"ended"}"#),
        ]
        var all: [(ReconcileRequest.Answer, String)] = states.map { state, text in
            (
                .init(jobs: [.init(jobID: id, generation: 1, state: state)]),
                #"{"jobs":[{"generation":1,"jobId":"j-1",\#(text)]}"#
            )
        }
        all.append(
            (
                .init(jobs: [
                    .init(jobID: id, generation: 1, state: .parked(until: later)),
                    .init(jobID: id, generation: 2, state: ended),
                ]),
                #"{"jobs":[{"dueAt":"2026-11-23T20:50:00.000Z","generation":1,"jobId":"j-1","state":"parked"},"#
                    + #"{"completedAt":"2026-11-23T19:50:00.123Z","effect":"not_left","generation":2,"jobId":"j-1","#
                    + #""next":"fix_request","outcome":"failed","reason":"cancelled","state":"ended"}]}"#
            ))
        return all
    }()

    private static let cursor = ResultCursor(completedAt: time, jobID: id, generation: 4)
    private static let cursorText = #"{"completedMs":1795463400123,"generation":4,"jobId":"j-1"}"#

    private static let replays: [(ReplayRequest, String)] = [
        (.job(id), #"{"jobId":"j-1"}"#),
        (.since(time, after: nil), #"{"sinceMs":1795463400123}"#),
        (.since(time, after: cursor), #"{"after":\#(cursorText),"sinceMs":1795463400123}"#),
    ]

    private static let replayed: [(ReplayRequest.Answer, String)] = [
        (.init(published: 5, after: nil), #"{"published":5}"#),
        (.init(published: 500, after: cursor), #"{"after":\#(cursorText),"published":500}"#),
    ]

    private func check<Request: OperatorRequest>(
        _ name: RequestName, _ requests: [(Request, String)], answers: [(Request.Answer, String)]
    ) throws {
        #expect(Request.name == name)
        for (request, text) in requests { try check(request, text) }
        for (answer, text) in answers {
            try check(answer, text)
            try checkDoctored(answer)
        }
    }

    private func check<Value: ControlValue>(_ value: Value, _ text: String) throws {
        #expect(String(decoding: value.json.encoded(), as: UTF8.self) == text)
        #expect(try Value(json: JSONValue.parse(Array(text.utf8))) == value)
    }

    // MARK: What is not as it must be

    /// Takes each member away, at every depth: then it is refused, or it is an optional one and stays away, or it
    /// follows from the others. It is never read as something that nobody said.
    private func checkDoctored<Value: ControlValue>(_ value: Value) throws {
        for doctored in withoutOne(value.json) {
            guard let read = try? Value(json: doctored) else { continue }
            #expect(
                read == value || read.json.encoded() == doctored.encoded(),
                "\(String(decoding: doctored.encoded(), as: UTF8.self))")
        }
    }

    private func withoutOne(_ json: JSONValue) -> [JSONValue] {
        switch json {
        case .object(let members):
            members.indices.flatMap { index in
                var rest = members
                let member = rest.remove(at: index)
                return [JSONValue.object(rest)]
                    + withoutOne(member.value).map { JSONValue.object(rest + [.init(member.name, $0)]) }
            }
        case .array(let elements):
            elements.indices.flatMap { index in
                withoutOne(elements[index]).map { element in
                    var all = elements
                    all[index] = element
                    return .array(all)
                }
            }
        default: []
        }
    }
}
