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
    /// Proofs that were written though somebody else had claimed since.
    package var lateEvidence = 0
    /// Of this process.
    var leases = HeldLeases()
    /// Batches of which it was not known whether they were committed.
    package var unknownCommits = 0
    /// Batches that the database had undone and that were sent again, by SQLSTATE.
    package var retries: [String: Int] = [:]
    /// Jumps of the database's clock.
    package var clockJumps = 0
    /// Of this process, that were gone when the database had failed over.
    package var lostCommits = 0
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
    private let onRoundTrip: @Sendable (_ took: Duration) -> Void

    init(
        onCommit: @escaping @Sendable (_ operations: Int, _ took: Duration) -> Void,
        onRoundTrip: @escaping @Sendable (_ took: Duration) -> Void
    ) {
        self.onCommit = onCommit
        self.onRoundTrip = onRoundTrip
    }

    var reading: SharedLedgerCounts { state.withLock { $0 } }

    func count(_ change: (inout SharedLedgerCounts) -> Void) { state.withLock { change(&$0) } }

    func answered(after took: Duration) { onRoundTrip(took) }

    func committed(operations: Int, took: Duration) {
        state.withLock {
            $0.commits += 1
            $0.operations += operations
        }
        onCommit(operations, took)
    }
}
