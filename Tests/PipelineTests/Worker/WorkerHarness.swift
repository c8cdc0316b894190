import AMQP
import Clocks
import Concurrency
import Credentials
import Ledger
import Messages
import Photos
import PipelineHarness
import SQLiteLedger
import Secrets
import Testing

@testable import Jobs
@testable import Pipeline

/// A worker with a ledger and an API that answer as a test says. Its broker records what a settlement does.
final class WorkerHarness: Sendable {
    static let start = Timestamp(milliseconds: 1_795_435_200_000)
    static let stored = StoredResult(
        messageID: "old", outcome: .left, reason: nil, body: Array("{}".utf8), correlationID: nil, traceparent: nil,
        tracestate: nil, completedAt: start)

    let ledger = ScriptedLedger()
    let broker = RecordingBroker()
    let photos: ScriptedPhotos
    private let clock: ManualClock
    private let dispatcher: Dispatcher
    private let worker: Worker
    private let eventLog: Lock<[PipelineEvent]>

    /// `album` answers the album queries, `script` the calls.
    init(
        album: Answer = .unknownToken,
        _ script: @escaping @Sendable (ScriptedPhotos.Call) async -> Answer = { _ in .ok }
    ) throws {
        let activity = Activity()
        let clock = ManualClock(start: Self.start, activity: activity)
        self.clock = clock
        photos = ScriptedPhotos(activity: activity, albums: { _ in album }, script)
        let eventLog = Lock<[PipelineEvent]>([])
        self.eventLog = eventLog
        let configuration = PipelineConfiguration(
            prefix: "p", concurrency: 1, perAccount: 1, requestsPerMinutePerAccount: 0, requestsPerDay: 0,
            retryDelays: [.seconds(5), .seconds(30)], maxAttempts: 10, maxAge: .seconds(86_400),
            assumeLeftAfterAmbiguous: false, replyToAllow: [],
            quotaDay: { _ in QuotaDay(name: "d", start: Self.start, end: Self.start + .seconds(86_400)) })
        let live = LiveConfiguration(configuration)
        dispatcher = Dispatcher(limits: configuration.limits, concurrency: 1, inbox: broker, clock: clock) { _, _ in }
        let report: @Sendable (PipelineEvent) -> Void = { event in eventLog.withLock { $0.append(event) } }
        worker = Worker(
            dispatcher: dispatcher, ledger: ledger,
            ledgerWatch: LedgerWatch(ledger: ledger, dispatcher: dispatcher, clock: clock), credentials: OneToken(),
            photos: photos,
            publisher: ResultPublisher(
                outbox: broker, dispatcher: dispatcher, clock: clock, names: QueueNames(prefix: "p"), live: live,
                hook: nil, executor: nil,
                onEvent: report),
            budget: DayBudget(limit: 0, pace: .asap, quotaDay: configuration.quotaDay), holdLog: HoldLog(),
            clock: clock, live: live, onStep: nil, onEvent: report)
    }

    private struct OneToken: CredentialProvider {
        func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
            .token(AccessToken(secret: Secret(copying: Array("bearer".utf8)), obtainedAt: nil))
        }
    }

    var events: [PipelineEvent] { eventLog.withLock { $0 } }

    static func open(copy: Int = 0, attempts: Int = 0, isAmbiguous: Bool = false) -> OpenJob {
        OpenJob(generation: 0, copy: copy, attempts: attempts, isAmbiguous: isAmbiguous, firstSeen: start, due: start)
    }

    static func finished(unsent: Bool) -> FinishedJob {
        FinishedJob(generation: 0, result: stored, resultIsPublished: !unsent, deadLetterIsPublished: true)
    }

    // MARK: A turn

    /// `tries`: calls made with this delivery before.
    private func turn(
        _ action: TurnAction, _ lane: Lane, _ generation: Int, _ tries: Int = 0, deadline: Timestamp? = nil
    ) -> Dispatch.Turn {
        let message = IncomingMessage(
            tag: DeliveryTag(generation: 1, number: 1), queue: QueueNames(prefix: "p").queue(lane), exchange: "",
            routingKey: "",
            isRedelivered: false, properties: Properties(), body: .complete([]), receivedAt: clock.now())
        var jobHeaders = JobHeaders()
        jobHeaders.generation = generation
        let job = Job(
            id: JobID("j"), account: AccountID("ann"), shareToken: ShareToken(Secret(copying: Array("t".utf8))),
            deadline: deadline)
        return Dispatch.Turn(
            item: InFlightMessage(
                message: message, lane: lane, jobHeaders: jobHeaders, content: .job(job), tries: tries), action: action)
    }

    /// What is decided, in short. Nothing may have reached the broker by then.
    func decide(
        action: TurnAction = .work, lane: Lane = .due, generation: Int = 0, tries: Int = 0,
        at location: SourceLocation = #_sourceLocation
    ) async -> String {
        let disposition = await worker.decide(turn(action, lane, generation, tries))
        #expect(broker.log == [], sourceLocation: location)
        return summary(of: disposition)
    }

    /// Decides and settles.
    func process(generation: Int = 0, deadline: Timestamp? = nil) async {
        await process(turn(.work, .due, generation, deadline: deadline))
    }

    /// The same for a message as it comes from the broker.
    func process(_ message: IncomingMessage) async {
        await process(Dispatch.Turn(item: Intake(prefix: "p").take(message).item, action: .work))
    }

    private func process(_ turn: Dispatch.Turn) async {
        await worker.process(turn, dispatcher.makeDelivery(of: turn))
    }

    private func summary(of disposition: Disposition) -> String {
        switch disposition {
        case .finish(let run, let ending):
            let closing = run.closed.map { ", closing \($0.result.messageID)" } ?? ""
            let result = JobResult(ending, of: run.resultSubject, at: clock.wall())
            return "finish \(result.reason?.rawValue ?? result.outcome.rawValue)\(closing)"
        case .publishUnsent(_, let finished): return "publish unsent \(finished.result.messageID)"
        case .replay(_, let result): return "replay \(result?.messageID ?? "nothing")"
        case .park(_, let until, _): return "park for \(seconds(until - clock.wall()))"
        case .republishCopy(_, let open): return "republish copy \(open.copy)"
        case .release(let release):
            switch release.reason {
            case .hold: return "release hold"
            case .quarantine: return "release quarantine"
            case .wait(let cause, let until): return "release \(cause.rawValue) in \(seconds(until - clock.wall()))"
            }
        case .retry(let run, let time):
            return "retry in \(seconds(time - clock.now()))" + (run.closed == nil ? "" : ", closing")
        case .reject(_, let rejection): return "reject \(rejection.reason.rawValue)"
        case .cancel(_, let id): return "cancel \(id.string)"
        case .acknowledge: return "acknowledge"
        case .returnToBroker: return "return to broker"
        }
    }

    private func seconds(_ time: Duration) -> String { "\(time.components.seconds) s" }
}

/// Notes what reaches it, and confirms everything unless a test says otherwise.
final class RecordingBroker: Inbox, Publishing {
    private struct State {
        var log: [String] = []
        var published: [Publication] = []
        var outcome = PublishOutcome.confirmed
    }

    private let state = Lock(State())

    var log: [String] { state.withLock { $0.log } }
    var published: [Publication] { state.withLock { $0.published } }
    var outcome: PublishOutcome {
        get { state.withLock { $0.outcome } }
        set { state.withLock { $0.outcome = newValue } }
    }

    private func note(_ text: String) { state.withLock { $0.log.append(text) } }

    func consume(_ consumption: Consumption) { note("consume \(consumption)") }
    func ack(_ tag: DeliveryTag) { note("ack") }
    func nack(_ tag: DeliveryTag) { note("nack") }
    func abandon(_ tag: DeliveryTag) { note("abandon") }

    func offer(_ publication: Publication) { note("offer \(publication.properties.messageID ?? "-")") }

    func publish(_ publication: Publication) async -> PublishOutcome {
        state.withLock { state in
            state.log.append("publish \(publication.properties.messageID ?? publication.routingKey)")
            state.published.append(publication)
            return state.outcome
        }
    }
}

/// Answers as a test says, and keeps what it was asked.
final class ScriptedLedger: JobLedger {
    private struct State {
        var lookup: LookupResult? = .fresh(isAmbiguous: false, predecessor: nil)
        var older: StoredResult?
        var answers: [ClaimAnswer] = []
        var refusesRecords = false
        var recorded: Recorded?
        var requests: [String] = []
        var claims: [Claim] = []
        var marks: [String] = []
        /// By generation.
        var results: [Int: StoredResult] = [:]
        var newest = 0
    }

    private let state = Lock(State())

    /// Nil: it cannot answer.
    var lookup: LookupResult? {
        get { state.withLock { $0.lookup } }
        set { state.withLock { $0.lookup = newValue } }
    }
    /// The kept result of an older generation than the newest. Nil: as it was written.
    var older: StoredResult? {
        get { state.withLock { $0.older } }
        set { state.withLock { $0.older = newValue } }
    }
    /// To the claims, in order; then each is granted.
    var answers: [ClaimAnswer] {
        get { state.withLock { $0.answers } }
        set { state.withLock { $0.answers = newValue } }
    }
    var refusesRecords: Bool {
        get { state.withLock { $0.refusesRecords } }
        set { state.withLock { $0.refusesRecords = newValue } }
    }
    /// To every record. Nil: it is written.
    var recorded: Recorded? {
        get { state.withLock { $0.recorded } }
        set { state.withLock { $0.recorded = newValue } }
    }
    var requests: [String] { state.withLock { $0.requests } }
    var claims: [Claim] { state.withLock { $0.claims } }
    var marks: [String] { state.withLock { $0.marks } }

    func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult {
        let lookup = state.withLock { state in
            state.requests.append("look")
            guard arrival.generation < state.newest else { return state.lookup }
            return .superseded(state.older ?? state.results[arrival.generation])
        }
        guard let lookup else { throw .unavailable("the disk is full") }
        return lookup
    }

    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        state.withLock { state in
            state.requests.append("claim \(claim.kind)\(claim.presumesNew ? ", presumed new" : "")")
            state.claims.append(claim)
            if !state.answers.isEmpty { return state.answers.removeFirst() }
            state.newest = claim.arrival.generation
            if let closing = claim.closing { state.results[claim.arrival.generation - 1] = closing }
            return .claimed(
                OpenJob(
                    generation: claim.arrival.generation, copy: claim.arrival.copy, attempts: claim.attempts,
                    isAmbiguous: claim.isAmbiguous, firstSeen: claim.arrival.firstSeen, firstCallAt: claim.at),
                .sole(isFirstCall: true))
        }
    }

    func record(_ record: Record, under lease: Lease?, isUnheard: Bool) async throws(LedgerError) -> Recorded {
        let (isRefused, recorded) = state.withLock { state in
            switch record {
            case .finished(let arrival, let result, _, _, _, _):
                state.requests.append("finished \(arrival.generation)")
                state.results[arrival.generation] = result
                state.newest = max(state.newest, arrival.generation)
            case .parked: state.requests.append("parked")
            case .callEnded: state.requests.append("kept")
            case .postponed: state.requests.append("postponed")
            case .steppedAside: state.requests.append("stepped aside")
            }
            return (state.refusesRecords, state.recorded)
        }
        if isRefused { throw .closed }
        return recorded ?? .copy(record.arrival.copy + 1)
    }

    func withdraw(_ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String) async throws(LedgerError) {
        state.withLock { $0.requests.append("withdraw \(kind) of \(day)") }
    }

    func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        state.withLock { $0.marks.append("\(part) \(generation)") }
    }

    func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool { throw .closed }
    func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer { throw .closed }
    func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool { throw .closed }
    func note(_ event: JobEvent) {}
    func count(of day: String) async throws(LedgerError) -> DayCount { DayCount(calls: 0, albumQueries: 0) }
    func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult] { [] }
    func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] { [] }
    func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool { throw .closed }
    func knowsSuccess() async throws(LedgerError) -> Bool { true }
    func statistics() async throws(LedgerError) -> LedgerStatistics { throw .closed }
}
