import Clocks
import Jobs
import Ledger

/// What the database has of one job: its row, the cancel that the row remembers, and those of its results that were asked
/// for. The lease in it is by the database's clock, the other times by that of whoever wrote them.
struct StoredJob: Equatable, Sendable {
    /// Nil: the ledger has not met the job. There may be a row of the table all the same, for a cancel that came first.
    var row: LedgerRow?
    var cancellation: Cancellation?
    /// Of the row of the table: each change raises it. 0: there is no such row.
    var revision = 0
    /// By their generation, as far as they were asked for.
    var results: [Int: ResultRecord] = [:]
    /// Whether an operator gave the row's generation out again, if that was asked for.
    var wasRedriven = false
    /// Whether the process that claimed last is known to have ended.
    var ownerHasEnded = false

    /// Whether this is what `other` was meant to be, whatever happened beside it to results that were there before.
    func isWhatWasMeant(_ other: StoredJob, results generations: [Int]) -> Bool {
        revision == other.revision && row == other.row && cancellation == other.cancellation
            && generations.allSatisfy { results[$0]?.result == other.results[$0]?.result }
    }
}

/// What was read at the beginning of a batch.
struct LoadedJobs: Sendable {
    /// The database's clock at the reading.
    var now: Timestamp
    /// Those of which it has anything.
    var jobs: [JobID: StoredJob]
    /// By the accounts that claims, records and withdrawals are about.
    var slots: [AccountID: [AccountSlot]] = [:]
    /// By the day: how many calls this member may still claim of those that it was allotted.
    var left: [String: Int] = [:]
    /// Of this process; nil: it is no member, or the table has forgotten it.
    var memberState: ClusterMember.State?
}
