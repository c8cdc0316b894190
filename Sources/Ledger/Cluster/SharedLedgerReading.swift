/// What a ledger that is shared has counted since the start, for metrics.
package struct SharedLedgerReading: Equatable, Sendable {
    /// Claims of jobs whose last call had not ended, so far as the ledger knew.
    package var takeovers: Int
    /// Records that were not believed, because somebody else had claimed since.
    package var fencedRecords: Int
    /// Commits of which it was not known for a while whether they were made.
    package var unknownCommits: Int
    /// The ledger's clock less this machine's; nil before it was read.
    package var clockOffset: Duration?
    /// As the newest heartbeat found them.
    package var differing: [DifferingSetting]

    package init(
        takeovers: Int, fencedRecords: Int, unknownCommits: Int, clockOffset: Duration?,
        differing: [DifferingSetting] = []
    ) {
        self.takeovers = takeovers
        self.fencedRecords = fencedRecords
        self.unknownCommits = unknownCommits
        self.clockOffset = clockOffset
        self.differing = differing
    }
}
