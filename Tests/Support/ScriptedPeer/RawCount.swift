import Concurrency

/// A number that scripts raise and tests read.
package final class RawCount: Sendable {
    private let state = Lock(0)

    package init() {}

    package var value: Int { state.withLock { $0 } }

    package func add(_ amount: Int) {
        state.withLock { $0 += amount }
    }
}
