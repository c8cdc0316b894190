import Concurrency
package import Ledger

/// What happened on a shared ledger, counted since the start of this process: for metrics and tests.
package struct SharedLedgerCounts: Equatable, Sendable {
    package var commits = 0
    package var operations = 0
    /// Claims of a job whose last call had not ended, so far as the ledger knew.
    package var takeovers = 0
    /// Records that were not believed, because somebody else had claimed since.
    package var fencedRecords = 0
    /// Batches of which it was not known whether they were committed.
    package var unknownCommits = 0
    /// Batches that the database had undone and that were sent again, by SQLSTATE.
    package var retries: [String: Int] = [:]
    /// Jumps of the database's clock.
    package var clockJumps = 0
    /// Returns under a new epoch.
    package var rejoins = 0
    /// Settings in which live members differ from this one, as the newest heartbeat found them.
    package var differing: [DifferingSetting] = []
}

/// Where the ledger's thread counts.
final class PostgresGauge: Sendable {
    // Written by the ledger's thread, read by anyone; under the lock.
    private let state = Lock(SharedLedgerCounts())
    private let onCommit: @Sendable (_ operations: Int, _ took: Duration) -> Void

    init(onCommit: @escaping @Sendable (_ operations: Int, _ took: Duration) -> Void) {
        self.onCommit = onCommit
    }

    var reading: SharedLedgerCounts { state.withLock { $0 } }

    func count(_ change: (inout SharedLedgerCounts) -> Void) { state.withLock { change(&$0) } }

    func committed(operations: Int, took: Duration) {
        state.withLock {
            $0.commits += 1
            $0.operations += operations
        }
        onCommit(operations, took)
    }
}
