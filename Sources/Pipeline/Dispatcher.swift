import AMQP
import Jobs
import Threads

/// The one place where messages in hand, holds and idle workers meet.
///
/// The link's thread posts messages in, workers pull turns out, and whatever changes the state pumps: so nothing polls.
/// All state is behind one lock; what follows from a change (resuming a worker, telling the inbox) happens outside it.
final class Dispatcher: Sendable {
    private let state: Lock<DispatcherState>
    private let inbox: any Inbox
    private let clock: any Timekeeper
    private let onHoldsChanged: @Sendable ([Hold], _ lifted: [Hold]) -> Void

    /// `onHoldsChanged` is called outside the lock with the holds that stand and those that were just lifted.
    init(
        limits: Dispatch.Limits, concurrency: Int, inbox: any Inbox, clock: any Timekeeper,
        onHoldsChanged: @escaping @Sendable ([Hold], _ lifted: [Hold]) -> Void
    ) {
        state = Lock(DispatcherState(dispatch: Dispatch(limits: limits), gate: Gate(concurrency: concurrency)))
        self.inbox = inbox
        self.clock = clock
        self.onHoldsChanged = onHoldsChanged
    }

    // MARK: The link's side

    func accept(_ item: Item) {
        change { $0.dispatch.accept(item, at: $1) }
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

    /// Mints the delivery of a turn: its end, however it comes, is told here.
    func mint(_ turn: Dispatch.Turn) -> Delivery {
        let tag = turn.item.message.tag
        return Delivery(of: turn.item.message, settler: inbox) { [self] ending in
            switch ending {
            case .acked, .handedBack, .abandoned: change { $0.dispatch.end(tag, at: $1) }
            case .returned: break
            }
        }
    }

    /// Another try at `time`; until then the delivery waits here and occupies no worker.
    func putBack(_ delivery: consuming Delivery, as item: Item, until time: MonotonicTime) {
        delivery.relinquish()
        change { state, now in
            state.dispatch.putBack(item, until: time, at: now)
            // Its turn will not come any more, and its return with the link would count against it.
            if !state.isTaking, item.hasBeenReturnedOften { state.dispatch.keepHouse(item.message.tag, .handBack) }
        }
    }

    func callBegan(_ account: AccountID) {
        change {
            $0.gate.callBegan(at: $1)
            $0.dispatch.callBegan(account, at: $1)
        }
    }

    // MARK: What calls tell

    func callAnswered(_ proof: Gate.Proof, of account: AccountID, wasProbe: Bool) {
        changeHolds { state, now in
            if case .success = proof { state.dispatch.succeeded(account) }
            return state.gate.callAnswered(proof, of: account, wasProbe: wasProbe, at: now)
        }
    }

    /// True if the API fails for everybody: the worker is on hold then, and the failure is not the job's.
    func note(_ sign: Breaker.Sign, of job: JobID, detail: String, wasProbe: Bool) -> Bool {
        let wall = clock.wall()
        var isEverybodys = false
        changeHolds { state, now in
            // What fails because the worker ends says nothing of the API.
            guard state.isTaking else { return [] }
            let opens = state.gate.note(sign, of: job, at: now)
            guard opens || (wasProbe && sign != .healthy) else { return [] }
            isEverybodys = true
            _ = state.gate.engage(.apiUnavailable, detail: detail, wasProbe: wasProbe, at: now, wall: wall)
            return []
        }
        return isEverybodys
    }

    /// Whose fault a refusal is. If it is everybody's, the worker is on hold now.
    func refused(
        _ account: AccountID, _ cause: HoldCause, accounts: Int, detail: String, wasProbe: Bool
    ) -> Neighbours.Ruling {
        let wall = clock.wall()
        var ruling = Neighbours.Ruling.undecided
        changeHolds { state, now in
            ruling = state.gate.refused(account, cause, accounts: accounts, at: now)
            guard wasProbe else {
                guard ruling == .everybodys else { return [] }
                _ = state.gate.engage(cause, detail: detail, wasProbe: false, at: now, wall: wall)
                return []
            }
            // A refusal proves that the API is there and has calls left, and no more than that.
            let tested = state.gate.holds.values.first { HoldPolicy.isOfRefusals($0.cause) }?.cause
            guard ruling == .own || tested == nil else {
                ruling = .everybodys
                _ = state.gate.engage(tested ?? cause, detail: detail, wasProbe: true, at: now, wall: wall)
                return []
            }
            return state.gate.callAnswered(.understood, of: account, wasProbe: true, at: now)
        }
        return ruling
    }

    // MARK: Single accounts

    /// The API refused the account for its own rate.
    func refuse(_ account: AccountID, _ cause: AccountQueue.Wait.Cause, atLeast minimum: Duration) {
        let wall = clock.wall()
        change { $0.dispatch.refuse(account, cause, atLeast: minimum, at: $1, wall: wall) }
    }

    func pause(_ account: AccountID) {
        change { state, _ in state.dispatch.pause(account) }
    }

    /// True if it was waiting.
    func resume(_ account: AccountID) -> Bool {
        var wasWaiting = false
        change { wasWaiting = $0.dispatch.resume(account, at: $1) }
        return wasWaiting
    }

    var accountWaits: [Dispatch.AccountWait] { state.withLock { $0.dispatch.accountWaits } }

    /// How long a job waits that is parked because its account has no turn for it.
    func reserveSlot(_ account: AccountID) -> Duration {
        var wait = Duration.zero
        change { wait = $0.dispatch.reserveSlot(account, at: $1) - $1 }
        return wait
    }

    /// How long a mass job waits for its lane; nil if it is open, or the job is none.
    func bulkOpens(for item: Item) -> Duration? {
        guard item.originLane == .bulk else { return nil }
        let now = clock.now()
        return state.withLock { $0.dispatch.bulkOpensAt.map { $0 - now } }
    }

    /// Mass jobs have had their share of the day for so long.
    func closeBulk(for time: Duration) {
        change { $0.dispatch.closeBulk(until: $1 + time) }
    }

    // MARK: Holds

    /// A probe job ended without proof of either: the next comes after a step.
    func probeWasInconclusive() {
        let wall = clock.wall()
        changeHolds { state, now in
            state.gate.probeWasInconclusive(at: now, wall: wall)
            return []
        }
    }

    func hold(_ cause: HoldCause, detail: String, wasProbe: Bool = false, atLeast wait: Duration? = nil) {
        let wall = clock.wall()
        changeHolds { state, now in
            if cause == .rateLimited { state.gate.throttle() }
            _ = state.gate.engage(cause, detail: detail, wasProbe: wasProbe, firstProbe: wait, at: now, wall: wall)
            return []
        }
    }

    /// A hold of an earlier run that still stands; its first probe comes after `wait`.
    func resume(_ cause: HoldCause, since: Timestamp, detail: String, probeAfter wait: Duration) {
        let wall = clock.wall()
        changeHolds { state, now in
            _ = state.gate.engage(
                cause, detail: detail, wasProbe: false, firstProbe: wait, at: now, wall: wall, since: since)
            return []
        }
    }

    /// Lets one job test the holds now. False if none is tested by a job.
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

    /// It was closed: what is put back waits for nothing more, and goes back with the link.
    var isClosed: Bool { state.withLock { !$0.isTaking } }

    /// What is in hand, and how many calls of it are in flight.
    var load: (inHand: Int, calls: Int, consumption: Consumption) {
        state.withLock { ($0.dispatch.inHand, $0.dispatch.callsInFlight, $0.consumption) }
    }

    /// How long the oldest delivery has been in hand, and how many accounts wait alone. For a scrape now and then: it
    /// looks at each of them.
    var patience: (oldest: Duration?, heldAccounts: Int) {
        let now = clock.now()
        return state.withLock { state in (state.dispatch.oldest.map { now - $0 }, state.dispatch.waitingAccounts) }
    }

    var jobsInHand: Set<JobID> { state.withLock { Set($0.dispatch.companies.keys) } }

    func isInHand(_ id: JobID) -> Bool {
        state.withLock { $0.dispatch.companies[id] != nil }
    }

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
            state.dispatch.handBackOftenReturned()
        }
    }

    // MARK: The pump

    private func changeHolds(_ body: (inout DispatcherState, MonotonicTime) -> [Hold]) {
        var lifted: [Hold] = []
        var before: [HoldCause: Hold] = [:]
        var after: [HoldCause: Hold] = [:]
        change { state, now in
            before = state.gate.holds
            lifted = body(&state, now)
            after = state.gate.holds
        }
        if before != after { onHoldsChanged(after.values.sorted { $0.since < $1.since }, lifted) }
    }

    func change(_ body: (inout DispatcherState, MonotonicTime) -> Void) {
        let now = clock.now()
        let (turns, consumption, reservations) = state.withLock { state in
            body(&state, now)
            defer { rearm(&state) }
            let (turns, consumption) = state.settle(at: now)
            return (turns, consumption, state.takeReservations())
        }
        if let consumption { inbox.consume(consumption) }
        for (worker, turn) in turns { worker.resume(returning: turn) }
        for (waiter, isGranted) in reservations { waiter.resume(returning: isGranted) }
    }

    func withDispatch<Answer>(_ body: (Dispatch) -> Answer) -> Answer {
        state.withLock { body($0.dispatch) }
    }

    /// One alarm, for the earliest timer or probe.
    private func rearm(_ state: inout DispatcherState) {
        guard state.isTaking, let time = MonotonicTime.earliest(state.dispatch.nextTimer, state.gate.nextProbe) else {
            return
        }
        if let alarm = state.alarm, alarm.time <= time { return }
        state.alarm?.task.cancel()
        state.alarm = (
            time,
            Task { [clock, weak self] in
                await clock.sleep(until: time)
                guard !Task.isCancelled else { return }
                self?.ring(at: time)
            }
        )
    }

    private func ring(at time: MonotonicTime) {
        change { state, _ in
            if state.alarm?.time == time { state.alarm = nil }
        }
    }
}
