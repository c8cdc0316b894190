import AMQP
import Clocks
import Ledger
import Messages

/// What one account has waiting, running and called, and what it must wait for.
struct AccountQueue: Sendable {
    static let minute = AccountLimits.minute

    /// Why the account alone must wait.
    struct Wait: Equatable, Sendable {
        enum Cause: String, CaseIterable, Sendable {
            /// The API's quota of the account's minute is spent.
            case minute = "quota_minute"
            /// Another write of the account is under way.
            case concurrent = "concurrent_write"
            /// All its calls are refused, and no other account's was made since.
            case refused
            /// The server fails for it, and no other account was called since.
            case failing = "api_unavailable"
            /// An operator paused it.
            case paused = "operator_paused"

            init(_ cause: AccountWaitCause) {
                self =
                    switch cause {
                    case .minute: .minute
                    case .concurrent: .concurrent
                    }
            }

            /// Whether the wait may last, so that its end is reported; a rate limit passes by itself.
            var isFault: Bool { memory > .zero }

            /// How long after its latest wait a fault is taken to go on, unless something says that it is over: its
            /// jobs come back from where they stand aside by then, or there are none.
            fileprivate var memory: Duration {
                switch self {
                case .refused: .seconds(7200)
                case .failing: .seconds(600)
                case .minute, .concurrent, .paused: .zero
                }
            }
        }

        var cause: Cause
        /// Nil: until an operator says otherwise.
        var until: MonotonicTime?
        var untilWall: Timestamp?
        /// What the API said, for people; no secrets.
        var detail: String?
    }

    private(set) var wait: Wait?
    /// A fault that it waits for, or waited for and that is not known to be over: between two waits it is tried.
    private var fault: Wait?
    /// Refusals in a row: it waits longer each time, until it succeeds.
    private var step = 0
    /// Calls of other workers have what it may call, by so many answers of the ledger in a row.
    private var busy: (until: MonotonicTime, answers: Int)?
    /// The latest slot that was promised to a job that stepped aside.
    private var reserved: MonotonicTime?
    /// Jobs that stepped aside and have not come back.
    private var aside = 0
    private(set) var waitingCount = 0
    /// Deliveries in flight of each lane, whatever they wait for.
    private(set) var places = PerLane(repeating: 0)

    var running = 0
    /// A timer will offer the account again.
    var isTimed = false
    /// A timer will forget the account.
    var isSwept = false
    private var waiting = PerLane(repeating: FIFO<DeliveryTag>())
    private var isRinged = PerLane(repeating: false)
    /// When its latest calls began, oldest first, at most as many as a minute allows.
    private var calls = FIFO<MonotonicTime>()

    mutating func add(_ tag: DeliveryTag, lane: Lane, first: Bool) {
        waitingCount += 1
        if first {
            waiting[lane].prepend(tag)
        } else {
            waiting[lane].append(tag)
        }
    }

    mutating func take(_ lane: Lane) -> DeliveryTag? {
        guard let tag = waiting[lane].popFirst() else { return nil }
        waitingCount -= 1
        return tag
    }

    /// Takes a delivery out that has its turn no more.
    mutating func drop(_ tag: DeliveryTag, _ lane: Lane) {
        waitingCount -= waiting[lane].remove(tag)
    }

    /// Returns what it was.
    mutating func changePlaces(in lane: Lane, by change: Int) -> Int {
        defer { places[lane] += change }
        return places[lane]
    }

    /// What becomes of an account that is offered to the lanes.
    enum Offer {
        case nothing
        /// The lanes in which it is ready now.
        case ready(PerLane<Bool>)
        /// The account is to be offered again at that time.
        case later(MonotonicTime)
    }

    /// Becomes ready in the lanes that it has work on, unless it is busy or must wait.
    mutating func offer(_ limits: Dispatch.Limits, at now: MonotonicTime) -> Offer {
        guard waitingCount > 0, running < limits.perAccount else { return .nothing }
        var entered = PerLane(repeating: false)
        var isWanting = false
        for lane in Lane.allCases where !waiting[lane].isEmpty && !isRinged[lane] {
            entered[lane] = true
            isWanting = true
        }
        guard isWanting else { return .nothing }
        if let slot = nextSlot(limit: limits.requestsPerMinutePerAccount, at: now) {
            defer { isTimed = true }
            return isTimed ? .nothing : .later(slot)
        }
        for lane in Lane.allCases where entered[lane] { isRinged[lane] = true }
        return .ready(entered)
    }

    /// Its turn has come in the lane. True if it may have it.
    mutating func leaveReadyQueue(_ lane: Lane, _ limits: Dispatch.Limits, at now: MonotonicTime) -> Bool {
        isRinged[lane] = false
        return running < limits.perAccount && nextSlot(limit: limits.requestsPerMinutePerAccount, at: now) == nil
    }

    /// When the account may call next, or nil if it may now.
    func nextSlot(limit: Int, at now: MonotonicTime) -> MonotonicTime? {
        var slot = MonotonicTime.latest(wait.map { $0.until ?? now + Self.whilePaused }, busy?.until)
        if limit > 0, calls.count >= limit, let oldest = calls.first {
            slot = max(slot ?? oldest, oldest + Self.minute)
        }
        return slot.flatMap { $0 > now ? $0 : nil }
    }

    /// How often a paused account's jobs are looked at.
    static let whilePaused = Duration.seconds(600)

    // MARK: Waits of its own

    mutating func refuse(
        _ cause: AccountWaitCause, atLeast minimum: Duration, detail: String? = nil, at now: MonotonicTime,
        wall: Timestamp
    ) {
        guard wait?.cause != .paused else { return }
        let time = max(minimum, cause.wait(step: step))
        step += 1
        begin(Wait(cause: Wait.Cause(cause), until: now + time, untilWall: wall + time, detail: detail))
    }

    mutating func wait(
        _ cause: Wait.Cause, for time: Duration, detail: String?, at now: MonotonicTime, wall: Timestamp
    ) {
        guard wait?.cause != .paused else { return }
        begin(Wait(cause: cause, until: now + time, untilWall: wall + time, detail: detail))
    }

    private mutating func begin(_ next: Wait) {
        wait = next
        if next.cause.isFault { fault = next }
    }

    mutating func pause() { wait = Wait(cause: .paused) }

    /// Returns what it waited for, or tried after having waited.
    mutating func resume(at now: MonotonicTime) -> Wait.Cause? {
        defer { (wait, fault, step) = (nil, nil, 0) }
        return obstacle(at: now)?.cause
    }

    /// Returns the fault that is over with it.
    @discardableResult
    mutating func succeeded() -> Wait.Cause? {
        defer { fault = nil }
        guard step > 0 || wait != nil, wait?.cause != .paused else { return fault?.cause }
        (wait, step) = (nil, 0)
        return fault?.cause
    }

    /// The fault is over, if that was it. Returns whether it was.
    mutating func endFault(_ cause: Wait.Cause) -> Bool {
        guard fault?.cause == cause else { return false }
        fault = nil
        if wait?.cause == cause { (wait, step) = (nil, 0) }
        return true
    }

    /// What it waits for, or tries after having waited, which then has no time. Nil if it is as others are.
    func obstacle(at now: MonotonicTime) -> Wait? {
        if let wait { return wait }
        guard let fault, let until = fault.until, now < until + fault.cause.memory else { return nil }
        return Wait(cause: fault.cause, detail: fault.detail)
    }

    /// The time of a wait that is over; its step is kept until a success.
    mutating func forgetPassedWait(at now: MonotonicTime) {
        if let until = wait?.until, until <= now { wait = nil }
    }

    // MARK: What other workers call

    /// How long it is left alone, at least and at most, while others' calls are under way: nobody says when they end.
    private static let busyWaits = Duration.milliseconds(50)...Duration.seconds(1)

    /// Others' calls are under way: for as long as a call takes on average, and twice as long each time after that.
    /// `end`: by then one of them is over.
    mutating func isBusy(by end: MonotonicTime, callTime: Duration, at now: MonotonicTime) {
        let answers = busy?.answers ?? 0
        let time = max(callTime, Self.busyWaits.lowerBound) * (1 << min(answers, Self.mostDoublings))
        // At its last moment a call still counts.
        let next = min(now + min(time, Self.busyWaits.upperBound), end + .milliseconds(1))
        busy = (max(next, now + Self.busyWaits.lowerBound), answers + 1)
    }

    /// From the shortest wait to the longest.
    private static let mostDoublings = 5

    /// Others' calls have what its minute has until then.
    mutating func isBusy(until time: MonotonicTime) { busy = (time, 0) }

    // MARK: Slots

    /// Between two calls of the account, as far as its minute or the time of a call says.
    private static func interval(limit: Int, callTime: Duration) -> Duration {
        limit > 0 ? max(minute / limit, callTime) : callTime
    }

    /// When a job that comes now would have its turn.
    func expectedTurn(limit: Int, callTime: Duration, at now: MonotonicTime) -> MonotonicTime {
        let next = nextSlot(limit: limit, at: now) ?? now
        guard limit > 0, calls.count + waitingCount < limit else {
            return next + Self.interval(limit: limit, callTime: callTime) * waitingCount
        }
        return next + callTime * waitingCount
    }

    /// How many of those that wait have their turn within `span`.
    func turns(within span: Duration, limit: Int, callTime: Duration, at now: MonotonicTime) -> Int {
        let rest = span - ((nextSlot(limit: limit, at: now) ?? now) - now)
        guard rest >= .zero else { return 0 }
        let callTime = max(callTime, Self.shortestCall)
        let turns = Int(rest / Self.interval(limit: limit, callTime: callTime))
        let atOnce = limit > 0 ? min(limit - calls.count, Int(rest / callTime)) : 0
        return max(1, turns + atOnce)
    }

    /// Least duration that a call counts as, so that a clock that stands still makes no account infinitely fast.
    private static let shortestCall = Duration.milliseconds(1)

    /// Promises a turn to a job that steps aside, after those that wait in flight and those that stepped aside before
    /// and have not come back: so a thousand of them do not all come at once, and a turn that was had early is free
    /// again.
    mutating func reserveSlot(limit: Int, callTime: Duration, at now: MonotonicTime) -> MonotonicTime {
        // Whoever was promised one and has not come by then, comes no more.
        if let reserved, reserved < now { aside = 0 }
        aside += 1
        let slot =
            expectedTurn(limit: limit, callTime: callTime, at: now)
            + Self.interval(limit: limit, callTime: callTime) * aside
        reserved = max(slot, reserved ?? slot)
        return slot
    }

    /// A job goes on to the turn that it was promised before.
    mutating func keepsSlot() { aside += 1 }

    /// A job that stepped aside is in flight again.
    mutating func cameBack() { aside = max(0, aside - 1) }

    /// It has claimed.
    mutating func isBusyNoMore() { busy = nil }

    mutating func noteCall(limit: Int, at now: MonotonicTime) {
        calls.append(now)
        while calls.count > limit { _ = calls.popFirst() }
    }

    // MARK: The end

    /// Whether there is something to remember of an account.
    enum Retirement {
        case no
        /// Nothing but what is over then.
        case later(MonotonicTime)
        case now
    }

    /// An account with nothing waiting or running is remembered for as long as its calls count, and no longer.
    mutating func retire(at now: MonotonicTime) -> Retirement {
        guard running == 0, !isTimed, waitingCount == 0, isRinged.allSatisfy({ !$0 }), places.allSatisfy({ $0 == 0 })
        else { return .no }
        guard let time = rememberedUntil(at: now), time > now else { return .now }
        defer { isSwept = true }
        return isSwept ? .no : .later(time)
    }

    /// Until when its calls count against its minute, its wait lasts or its slots are promised.
    func rememberedUntil(at now: MonotonicTime) -> MonotonicTime? {
        let ended = wait.map { ($0.until ?? now + Self.whilePaused) + (step > 0 ? Self.minute : .zero) }
        let called = calls.last.map { $0 + Self.minute }
        let failed = fault.flatMap { fault in fault.until.map { $0 + fault.cause.memory } }
        return .latest(.latest(called, failed), .latest(ended, reserved))
    }
}
