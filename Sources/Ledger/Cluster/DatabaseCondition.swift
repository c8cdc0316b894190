/// How the database of a shared ledger is: what a failover of it would cost, and what keeps it from clearing up. For
/// metrics; nothing is decided by it. Nil is what this daemon may not see.
package struct DatabaseCondition: Equatable, Sendable {
    /// For at least so long, rows that nobody needs any more have stayed because somebody might still see them.
    package var xminAge: Duration?
    package var replication: Replication?
    /// One more with each standby that became the primary.
    package var timeline: Int

    /// Who else has what is committed. The raw value is the word of metrics.
    package enum Replication: String, CaseIterable, Sendable {
        case noStandby = "none"
        /// A standby may lack what is committed: a failover can lose that.
        case asynchronous
        /// As many standbys as each commit waits for are there.
        case synchronous
        /// Commits wait for a standby that is not there.
        case waiting
    }

    package init(xminAge: Duration?, replication: Replication?, timeline: Int) {
        self.xminAge = xminAge
        self.replication = replication
        self.timeline = timeline
    }
}
