import Clocks

/// What the ledger's thread knows of failovers of its database.
struct FailoverState: Sendable {
    var recent = RecentWrites()
    var accounts = RecentAccounts()
    /// As it was when all of this member was there; nil before it has looked.
    var timeline: Int?
    /// Since the connection is a new one.
    var mustCompare = false
    /// By the database's clock: when it joined under its epoch, and its newest heartbeat.
    var joined: Timestamp?
    var lastBeat: Timestamp?
    /// Nil: nobody is waited for.
    var wait: ComparisonWait?
    var detail = ""
    /// Commits that were gone, until the others are waited for.
    var lost = 0
    /// Why claims are refused meanwhile.
    var refusal: String?
    /// Why no claim would outlive a failover, where it has to.
    var standbyMissing: String?
    /// Why claims are refused now.
    var whyRefused: String? { refusal ?? standbyMissing }

    init(timeline: Int?) { self.timeline = timeline }

    mutating func noteBeat(at time: Timestamp) {
        joined = joined ?? time
        lastBeat = time
    }
}
