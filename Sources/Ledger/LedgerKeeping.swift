package import Clocks
package import Concurrency
package import Jobs

/// A ledger as the daemon has it: what the pipeline needs of it, what operators ask, and what it needs itself while the
/// daemon runs. Everything but its opening is the same for each kind.
package protocol LedgerKeeping: JobLedger, LedgerReading, RunningService {
    /// Removes jobs that ended before `time` and owe the broker nothing, with results and histories; then days and
    /// holds that ended before it. Open jobs and what is not marked published stay. Returns how many jobs went.
    func prune(before time: Timestamp) async throws(LedgerError) -> Int

    /// Removes everything about a job. A later delivery of it is a fresh job.
    func forget(_ id: JobID) async throws(LedgerError) -> ForgetAnswer

    /// Does that for every job of an account. `needed` are those that stay: see `ForgetAnswer.needed`.
    func forget(account: AccountID) async throws(LedgerError) -> (forgotten: Int, needed: Int)

    /// Adds a line to a job's history, and answers when it is durable. `note` is for what may be lost.
    func write(_ event: JobEvent) async throws(LedgerError)

    /// Notes a hold for the histories and ages of the jobs that it stopped: at its start with `until` nil, and again at
    /// its end. A post; while nothing can be written it waits in memory.
    func recordHold(_ cause: HoldCause, since: Timestamp, until: Timestamp?, detail: String)

    /// Who this daemon is among those that share the ledger; nil if nobody shares it.
    var member: MemberIdentity? { get }

    /// Nil if nobody shares it.
    var sharedReading: SharedLedgerReading? { get }

    /// How the database of a shared ledger is; nil of a ledger that nobody shares. A question that no job waits behind.
    func condition() async throws(LedgerError) -> DatabaseCondition?

    /// From now on whoever shares the ledger sees that this daemon is about to end.
    func drain()

    /// Free bytes of the disk that the ledger is on, which are known even when the ledger has none to answer with. Nil
    /// where nobody can say.
    func diskFreeBytes() async -> Int?

    /// Writes what still waits for a commit, trying for at most `time` if that does not succeed, and ends the thread.
    /// Returns how many records and marks were lost for that: their jobs' intents are open, so their redeliveries count
    /// as ambiguous. Whatever is asked later is refused as closed.
    @discardableResult
    func close(within time: Duration) async -> Int

    /// Commits and what was in them, since the start.
    var commits: (count: Int, operations: Int) { get }
}
