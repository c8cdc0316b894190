import Clocks
import Ledger

/// What is asked of the ledger's thread.
enum PostgresOperation: Sendable {
    typealias JobReply = @Sendable (JobAnswer, _ beginsBefore: MonotonicTime) -> Void
    /// Made on the thread, for the member that the process is by then.
    typealias QueryOfMember = @Sendable (AskingMember) -> LedgerQuery

    /// A decision about one job.
    case job(JobRequest, JobReply)
    /// In the next batch, behind what it decides.
    case query(QueryOfMember)
    /// A line or a hold: goes along with the next batch, or makes one of its own after a while. It waits in memory
    /// while the database is away.
    case line(QueryOfMember)
    /// From now on the other members see that this one is about to end.
    case drain
    case close(until: MonotonicTime, @Sendable (_ lost: Int) -> Void)
}
