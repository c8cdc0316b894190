import Threads

/// A count that only grows, from 0 at the process's start. From any thread.
public final class MetricCounter: Sendable {
    private let count = Lock(0)

    public init() {}

    public func add(_ number: Int = 1) {
        precondition(number >= 0, "a counter never goes back")
        count.withLock { $0 += number }
    }

    /// For a count that is kept elsewhere: takes over what it is now. A smaller one is ignored.
    public func catchUp(with number: Int) {
        count.withLock { $0 = max($0, number) }
    }

    public var value: Int { count.withLock { $0 } }
}
