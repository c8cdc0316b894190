import Synchronization

/// A count that only grows, from 0 at the process's start. From any thread.
package final class MetricCounter: Sendable {
    private let count = Atomic(0)

    package init() {}

    package func add(_ number: Int = 1) {
        precondition(number >= 0, "a counter never goes back")
        count.wrappingAdd(number, ordering: .relaxed)
    }

    /// For a count that is kept elsewhere: takes over what it is now. A smaller one is ignored.
    package func catchUp(with number: Int) {
        count.max(number, ordering: .relaxed)
    }

    package var value: Int { count.load(ordering: .relaxed) }
}
