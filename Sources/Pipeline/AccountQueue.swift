import AMQP
import Threads

/// What one account has waiting, running and called, and what it must wait for.
struct AccountQueue: Sendable {
    /// The API counts writes by the minute; a second more allows for the way there.
    static let minute = Duration.seconds(61)

    /// Why the account alone must wait.
    struct Wait: Equatable, Sendable {
        enum Cause: String, Sendable {
            /// The API's quota of the account's minute is spent.
            case minute = "quota_minute"
            /// Another write of the account is under way.
            case concurrent = "concurrent_write"
            /// An operator paused it.
            case paused = "operator_paused"
        }

        var cause: Cause
        /// Nil: until an operator says otherwise.
        var until: MonotonicTime?
        var untilWall: Timestamp?
    }

    /// What a refused account waits, one step further each time until it succeeds.
    private static let minuteSteps: [Duration] = [30, 60, 120, 240, 480, 600].map { .seconds($0) }
    private static let concurrentSteps: [Duration] = [60, 300, 600, 900, 1800, 3600].map { .seconds($0) }

    private(set) var wait: Wait?
    private var step = 0
    /// The latest slot that was promised to a parked job.
    private var reserved: MonotonicTime?
    private(set) var waitingCount = 0

    var running = 0
    /// A timer will offer the account again.
    var isTimed = false
    /// A timer will forget the account.
    var isSwept = false
    private var waiting: [Lane: FIFO<DeliveryTag>] = [:]
    private var ringed: Set<Lane> = []
    /// When its latest calls began, oldest first, at most as many as a minute allows.
    private var calls = FIFO<MonotonicTime>()

    mutating func add(_ tag: DeliveryTag, lane: Lane, first: Bool) {
        waitingCount += 1
        if first {
            waiting[lane, default: FIFO()].prepend(tag)
        } else {
            waiting[lane, default: FIFO()].append(tag)
        }
    }

    mutating func take(_ lane: Lane) -> DeliveryTag? {
        guard let tag = waiting[lane]?.popFirst() else { return nil }
        waitingCount -= 1
        return tag
    }

    /// It has work on the lane and is not in its ring yet.
    func wants(_ lane: Lane) -> Bool {
        waiting[lane]?.isEmpty == false && !ringed.contains(lane)
    }

    mutating func enteredRing(_ lane: Lane) { ringed.insert(lane) }
    mutating func leftRing(_ lane: Lane) { ringed.remove(lane) }

    /// When the account may call next, or nil if it may now.
    func nextSlot(limit: Int, at now: MonotonicTime) -> MonotonicTime? {
        var slot = wait.map { $0.until ?? now + Self.whilePaused }
        if limit > 0, calls.count >= limit, let oldest = calls.first {
            slot = max(slot ?? oldest, oldest + Self.minute)
        }
        return slot.flatMap { $0 > now ? $0 : nil }
    }

    /// How often a paused account's jobs are looked at.
    static let whilePaused = Duration.seconds(600)

    // MARK: Waits of its own

    mutating func refuse(_ cause: Wait.Cause, atLeast minimum: Duration, at now: MonotonicTime, wall: Timestamp) {
        guard wait?.cause != .paused else { return }
        let steps = cause == .concurrent ? Self.concurrentSteps : Self.minuteSteps
        let time = max(minimum, steps[min(step, steps.count - 1)])
        step += 1
        wait = Wait(cause: cause, until: now + time, untilWall: wall + time)
    }

    mutating func pause() { wait = Wait(cause: .paused) }

    /// True if it was waiting.
    mutating func resume() -> Bool {
        defer { (wait, step) = (nil, 0) }
        return wait != nil
    }

    mutating func succeeded() {
        guard step > 0 || wait != nil, wait?.cause != .paused else { return }
        (wait, step) = (nil, 0)
    }

    /// The time of a wait that is over; its step is kept until a success.
    mutating func forgetPassedWait(at now: MonotonicTime) {
        if let until = wait?.until, until <= now { wait = nil }
    }

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

    /// Promises the next free slot to a job that is parked, so that a thousand parked jobs do not all come at once.
    mutating func reserveSlot(limit: Int, callTime: Duration, at now: MonotonicTime) -> MonotonicTime {
        let free = max(nextSlot(limit: limit, at: now) ?? now, reserved ?? now)
        let slot = free + Self.interval(limit: limit, callTime: callTime)
        reserved = slot
        return slot
    }

    mutating func noteCall(limit: Int, at now: MonotonicTime) {
        calls.append(now)
        while calls.count > limit { _ = calls.popFirst() }
    }

    /// Nothing is waiting or running.
    var isIdle: Bool {
        running == 0 && !isTimed && ringed.isEmpty && waiting.values.allSatisfy(\.isEmpty)
    }

    /// Until when its calls count against its minute, its wait lasts or its slots are promised.
    func rememberedUntil(at now: MonotonicTime) -> MonotonicTime? {
        let ended = wait.map { ($0.until ?? now + Self.whilePaused) + (step > 0 ? Self.minute : .zero) }
        return [calls.last.map { $0 + Self.minute }, ended, reserved].compactMap(\.self).max()
    }
}
