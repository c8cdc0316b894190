/// What a ledger that is shared has counted since the start, for metrics.
package struct SharedLedgerReading: Equatable, Sendable {
    /// Claims of jobs whose last call had not ended, so far as the ledger knew.
    package var takeovers: Int
    /// Records that were not believed, because somebody else had claimed since.
    package var fencedRecords: Int
    /// Proofs that were written though somebody else had claimed since.
    package var lateEvidence: Int
    /// Leases of this process that have not ended.
    package var leasesHeld: Int
    /// Commits of which it was not known for a while whether they were made.
    package var unknownCommits: Int
    /// Batches that the database had undone and that were sent again, by SQLSTATE: each that there can be, also at 0.
    package var retries: [String: Int]
    /// The ledger's clock less this machine's; nil before it was read.
    package var clockOffset: Duration?
    /// As the newest heartbeat found them.
    package var differing: [DifferingSetting]
    /// Commits of this process that were gone when the database had failed over.
    package var lostCommits: Int

    package init(
        takeovers: Int, fencedRecords: Int, lateEvidence: Int = 0, leasesHeld: Int = 0, unknownCommits: Int,
        retries: [String: Int] = [:], clockOffset: Duration?, differing: [DifferingSetting] = [],
        lostCommits: Int = 0
    ) {
        self.takeovers = takeovers
        self.fencedRecords = fencedRecords
        self.lateEvidence = lateEvidence
        self.leasesHeld = leasesHeld
        self.unknownCommits = unknownCommits
        self.retries = retries
        self.clockOffset = clockOffset
        self.differing = differing
        self.lostCommits = lostCommits
    }
}
