import AMQP
import Clocks
import Concurrency
import Jobs

/// The one place where messages in flight, holds and idle workers meet. See `Dispatch` for who does what in it.
///
/// The link's thread posts messages in, workers pull turns out, and whatever changes the state pumps: so nothing polls.
/// All state is behind one lock; what follows from a change (resuming a worker, telling the inbox) happens outside it.
final class Dispatcher: Sendable {
    private let state: Lock<DispatcherState>
    /// What was told of the holds, and by which revision of them.
    private let announced = Lock<(revision: Int, holds: [Hold])>((0, []))
    private let inbox: any Inbox
    let clock: any TimeSource
    private let executor: (any TaskExecutor)?
    private let onHoldsChanged: @Sendable ([Hold], _ lifted: [Hold]) -> Void
    let onAccountWait: @Sendable (AccountWaitEvent) -> Void
    private let onClusterChange: @Sendable () -> Void

    /// `member`: of a cluster, for which `onClusterChange` is called outside the lock when there is something to be said
    /// to the others. `onHoldsChanged` is called outside the lock with the holds that stand and those that were just lifted,
    /// `onAccountWait`, outside it too, when the API is the reason that an account waits alone, or no longer.
    init(
        limits: Dispatch.Limits, concurrency: Int, inbox: any Inbox, clock: any TimeSource,
        executor: (any TaskExecutor)? = nil, member: (epoch: Int64, name: String)? = nil,
        onClusterChange: @escaping @Sendable () -> Void = {},
        onAccountWait: @escaping @Sendable (AccountWaitEvent) -> Void = { _ in },
        onHoldsChanged: @escaping @Sendable ([Hold], _ lifted: [Hold]) -> Void
    ) {
        let gate = Gate(concurrency: concurrency, member: member)
        state = Lock(DispatcherState(dispatch: Dispatch(limits: limits), gate: gate))
        self.inbox = inbox
        self.clock = clock
        self.executor = executor
        self.onHoldsChanged = onHoldsChanged
        self.onAccountWait = onAccountWait
        self.onClusterChange = onClusterChange
    }

    // MARK: The link's side

    func accept(_ item: InFlightMessage) {
        change {
            if let job = item.job { $0.gate.delivered(job.id, at: $1) }
            $0.dispatch.accept(item, at: $1)
        }
    }

    /// The connection of that generation is gone.
    func linkLost(upTo generation: UInt64) {
        change { _ = $0.dispatch.linkLost(upTo: generation, at: $1) }
    }

    // MARK: The workers' side

    /// The next turn, or nil when the worker is to end.
    func next() async -> Dispatch.Turn? {
        await withCheckedContinuation { worker in
            change { state, _ in state.idle.append(worker) }
        }
    }

    /// Makes the delivery of a turn: its end, however it comes, is told here.
    func makeDelivery(of turn: Dispatch.Turn) -> Delivery {
        let tag = turn.item.message.tag
        return Delivery(of: turn.item.message, settler: inbox) { [self] settlement in
            switch settlement {
            case .acked, .requeued, .abandoned: change { $0.dispatch.end(tag, at: $1) }
            case .taken: break
            }
        }
    }

    /// Another try at `time`; until then the delivery waits here and occupies no worker.
    func delay(_ delivery: consuming Delivery, as item: InFlightMessage, until time: MonotonicTime) {
        delivery.takeDelivery()
        change { state, now in
            state.dispatch.delay(item, until: time, at: now)
            // Its turn will not come any more, and its return with the link would count against it.
            if !state.isTaking, item.hasBeenReturnedOften {
                state.dispatch.queueForSettlement(item.message.tag, .release)
            }
        }
    }

    func callBegan(_ account: AccountID) {
        var freed: [AccountWaitEvent] = []
        change { state, now in
            for other in state.gate.callBegan(account, at: now) {
                if let cause = state.dispatch.endSuspicion(other, at: now) { freed.append(.over(other, cause)) }
            }
            state.dispatch.callBegan(account, at: now)
        }
        for event in freed { onAccountWait(event) }
    }

    // MARK: What calls tell

    /// The ledger knows of no success.
    func isFirstContact() {
        change { state, _ in state.gate.isFirstContact() }
    }

    func answered(_ word: HoldPolicy.Word, _ call: Gate.Call) {
        var fault: AccountQueue.Wait.Cause?
        _ = consequence(of: call, detail: nil) { state, now, _ in
            if word == .success { fault = state.dispatch.succeeded(call.account) }
            return state.gate.answered(word, call, at: now)
        }
        if let fault { onAccountWait(.over(call.account, fault)) }
    }

    func failed(_ sign: CircuitBreaker.Sign, _ call: Gate.Call, isRefusal: Bool, detail: String) -> Gate.Classification
    {
        consequence(of: call, detail: detail) { state, now, wall in
            // What fails because the worker ends says nothing of the API, nor of the job.
            guard state.isTaking else { return Gate.Consequence(classification: .waitOutHold) }
            return state.gate.failed(sign, call, isRefusal: isRefusal, detail: detail, at: now, wall: wall)
        }
    }

    func refused(
        _ call: Gate.Call, _ kind: RefusalClassifier.Kind, isLast: Bool = false, detail: String
    ) -> Gate.Classification {
        consequence(of: call, detail: detail) { state, now, wall in
            state.gate.refused(call, kind, isLast: isLast, detail: detail, at: now, wall: wall)
        }
    }

    func throttled(
        _ call: Gate.Call, _ kind: RefusalClassifier.Kind, atLeast wait: Duration?, detail: String
    ) -> Gate.Classification {
        consequence(of: call, detail: detail) { state, now, wall in
            state.gate.throttled(call, kind, atLeast: wait, detail: detail, at: now, wall: wall)
        }
    }

    /// A token was obtained, not merely remembered, at that time.
    func tokenObtained(_ call: Gate.Call, at time: MonotonicTime) {
        state.withLock { $0.gate.tokenObtained(call, at: time) }
    }

    func tokenRequestRefused(_ call: Gate.Call, isMisconfigured: Bool, detail: String) -> Gate.Classification {
        consequence(of: call, detail: detail) { state, now, wall in
            state.gate.tokenRequestRefused(call, isMisconfigured: isMisconfigured, detail: detail, at: now, wall: wall)
        }
    }

    func consequence(
        of call: Gate.Call, detail: String?,
        _ body: (inout DispatcherState, MonotonicTime, Timestamp) -> Gate.Consequence
    ) -> Gate.Classification {
        let wall = clock.wall()
        var classification = Gate.Classification.own
        var events: [AccountWaitEvent] = []
        changeHolds { state, now in
            let consequence = body(&state, now, wall)
            classification = consequence.classification
            for account in consequence.freed {
                if let cause = state.dispatch.endSuspicion(account, at: now) { events.append(.over(account, cause)) }
            }
            if let wait = consequence.wait {
                state.dispatch.wait(call.account, wait.cause, for: wait.time, detail: detail, at: now, wall: wall)
                if let wait = state.dispatch.wait(of: call.account) { events.append(.begins(wait)) }
            }
            return consequence.lifted
        }
        events.forEach(onAccountWait)
        return classification
    }

    // MARK: Holds

    /// One word is enough. `atLeast`: what the API named. `call`: whose word it was, if it was a call's.
    /// False if it is that job's own trouble, which holds nobody.
    @discardableResult
    func hold(_ cause: HoldCause, detail: String, atLeast wait: Duration? = nil, by call: Gate.Call? = nil) -> Bool {
        let wall = clock.wall()
        var isHeld = true
        changeHolds { state, now in
            isHeld = state.gate.hold(cause, detail: detail, atLeast: wait, by: call, at: now, wall: wall)
            return []
        }
        return isHeld
    }

    /// A hold of an earlier run that still stands; its first probe comes after `wait`.
    func restoreHold(_ cause: HoldCause, since: Timestamp, detail: String, probeAfter wait: Duration) {
        let wall = clock.wall()
        changeHolds { state, now in
            state.gate.restore(cause, since: since, detail: detail, after: wait, at: now, wall: wall)
            return []
        }
    }

    /// How long what has failed in a hold stays out of the way of others.
    var awayTime: Duration {
        let now = clock.now()
        return state.withLock { $0.gate.awayTime(at: now) }
    }

    /// Lets jobs test the holds now. False if none is tested by jobs.
    func probeNow() -> Bool {
        let wall = clock.wall()
        var isProbing = false
        changeHolds { state, now in
            isProbing = state.gate.probeNow(at: now, wall: wall)
            return []
        }
        return isProbing
    }

    func lift(_ cause: HoldCause) {
        changeHolds { state, _ in state.gate.lift(cause).map { [$0] } ?? [] }
    }

    var holds: [Hold] {
        state.withLock { $0.gate.holds.values.sorted { $0.since < $1.since } }
    }

    /// Whether the dispatcher was closed: a delayed delivery then returns to the broker with the link.
    var isClosed: Bool { state.withLock { !$0.isTaking } }

    /// What is in flight, and how many calls of it are in flight.
    var load: (inFlight: Int, calls: Int, consumption: Consumption) {
        state.withLock { ($0.dispatch.inFlight, $0.dispatch.callsInFlight, $0.consumption) }
    }

    /// How long the oldest delivery has been in flight, and how many accounts wait alone. For a scrape now and then: it
    /// looks at each of them.
    var waits: (oldest: Duration?, heldAccounts: [AccountQueue.Wait.Cause: Int]) {
        let now = clock.now()
        return withDispatch { ($0.oldest.map { now - $0 }, $0.waitingAccounts(at: now)) }
    }

    /// Where the job's delivery is that comes first; nil if none is in flight.
    func whereabouts(of id: JobID) -> JobInFlight? { withDispatch { $0.whereabouts(of: id) } }

    /// For one who reads the ledger and then acts on jobs that nobody else acts on: whoever had one in flight in between
    /// has perhaps done the same. One at a time.
    func noteLeavingJobs() { state.withLock { $0.dispatch.noteLeavingJobs() } }

    func forgetLeftJobs() { state.withLock { $0.dispatch.forgetLeftJobs() } }

    func standIn(for id: JobID) -> Bool { state.withLock { $0.dispatch.standIn(for: id) } }

    func vacate(_ id: JobID) { change { $0.dispatch.vacate(id, at: $1) } }

    /// Limits that hold from the next turn on.
    func adopt(_ limits: Dispatch.Limits) {
        change { state, _ in state.dispatch.limits = limits }
    }

    // MARK: Start and stop

    /// Begins to take messages.
    func open() {
        change { state, _ in state.isOpen = true }
    }

    /// Gives out no more jobs: idle workers end now, the others when they ask next.
    func close() {
        change { state, _ in
            guard state.isTaking else { return }
            state.isTaking = false
            state.dispatch.releaseOftenReturned()
        }
    }

    // MARK: The pump

    func change(_ body: (inout DispatcherState, MonotonicTime) -> Void) {
        changeHolds { state, now in
            body(&state, now)
            return []
        }
    }

    /// `body` gives the holds that it lifted.
    func changeHolds(_ body: (inout DispatcherState, MonotonicTime) -> [Hold]) {
        let now = clock.now()
        let wall = clock.wall()
        var lifted: [Hold] = []
        var changed: (revision: Int, holds: [HoldCause: Hold])?
        var mustShare = false
        let (turns, consumption, reservations) = state.withLock { state in
            let revision = state.gate.revision
            lifted = body(&state, now)
            defer {
                rearm(&state, at: now)
                if state.gate.revision != revision { changed = (state.gate.revision, state.gate.holds) }
                mustShare = state.gate.hasClusterChanges
            }
            let (turns, consumption) = state.nextTurns(at: now, wall: wall)
            return (turns, consumption, state.takeReservations())
        }
        if let consumption { inbox.consume(consumption) }
        for (worker, turn) in turns { worker.resume(returning: turn) }
        for (waiter, isGranted) in reservations { waiter.resume(returning: isGranted) }
        if mustShare { onClusterChange() }
        if let (revision, holds) = changed { publish(holds.values.sorted { $0.since < $1.since }, lifted, revision) }
    }

    /// Reports the holds in order of revision: two threads may arrive in another order than they changed them.
    private func publish(_ holds: [Hold], _ lifted: [Hold], _ revision: Int) {
        announced.withLock { latest in
            if latest.revision < revision { latest = (revision, holds) }
            onHoldsChanged(latest.holds, lifted)
        }
    }

    func withGate<Answer>(_ body: (inout Gate) -> Answer) -> Answer {
        state.withLock { body(&$0.gate) }
    }

    func withDispatch<Answer>(_ body: (Dispatch) -> Answer) -> Answer {
        state.withLock { body($0.dispatch) }
    }

    /// One alarm, for the earliest timer or probe.
    private func rearm(_ state: inout DispatcherState, at now: MonotonicTime) {
        guard state.isTaking,
            let time = MonotonicTime.earliest(state.dispatch.nextTimer, state.gate.nextCheck(at: now))
        else { return }
        if let alarm = state.alarm, alarm.time <= time { return }
        state.alarm?.task.cancel()
        state.alarm = (
            time,
            Task(executorPreference: executor) { [clock, weak self] in
                await clock.sleep(until: time)
                guard !Task.isCancelled else { return }
                self?.wake(at: time)
            }
        )
    }

    private func wake(at time: MonotonicTime) {
        change { state, _ in
            if state.alarm?.time == time { state.alarm = nil }
        }
    }
}
