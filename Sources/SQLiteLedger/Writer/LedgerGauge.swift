import Concurrency

/// Numbers of the ledger's thread, for metrics and tests.
final class LedgerGauge: Sendable {
    struct Reading: Equatable, Sendable {
        var commits = 0
        var operations = 0
    }

    // Written by the ledger's thread, read by anyone; under the lock.
    private let state = Lock(Reading())
    private let onCommit: @Sendable (_ operations: Int, _ took: Duration) -> Void

    init(onCommit: @escaping @Sendable (_ operations: Int, _ took: Duration) -> Void) {
        self.onCommit = onCommit
    }

    func committed(operations: Int, took: Duration) {
        state.withLock {
            $0.commits += 1
            $0.operations += operations
        }
        onCommit(operations, took)
    }

    var reading: Reading { state.withLock { $0 } }
}
