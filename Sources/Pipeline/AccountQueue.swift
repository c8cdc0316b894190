import AMQP
import Threads

/// What one account has waiting, running and called.
struct AccountQueue: Sendable {
    /// The API counts writes by the minute; a second more allows for the way there.
    static let minute = Duration.seconds(61)

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
        if first {
            waiting[lane, default: FIFO()].prepend(tag)
        } else {
            waiting[lane, default: FIFO()].append(tag)
        }
    }

    mutating func take(_ lane: Lane) -> DeliveryTag? {
        waiting[lane]?.popFirst()
    }

    /// It has work on the lane and is not in its ring yet.
    func wants(_ lane: Lane) -> Bool {
        waiting[lane]?.isEmpty == false && !ringed.contains(lane)
    }

    mutating func enteredRing(_ lane: Lane) { ringed.insert(lane) }
    mutating func leftRing(_ lane: Lane) { ringed.remove(lane) }

    /// When the account may call next, or nil if it may now.
    func nextSlot(limit: Int, at now: MonotonicTime) -> MonotonicTime? {
        guard limit > 0, calls.count >= limit, let oldest = calls.first else { return nil }
        let slot = oldest + Self.minute
        return slot > now ? slot : nil
    }

    mutating func noteCall(limit: Int, at now: MonotonicTime) {
        calls.append(now)
        while calls.count > limit { _ = calls.popFirst() }
    }

    /// Nothing is waiting or running.
    var isIdle: Bool {
        running == 0 && !isTimed && ringed.isEmpty && waiting.values.allSatisfy(\.isEmpty)
    }

    /// Until when its calls count against its minute.
    var rememberedUntil: MonotonicTime? { calls.last.map { $0 + Self.minute } }
}
