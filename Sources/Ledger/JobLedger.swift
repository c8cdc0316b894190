package import Clocks
package import Jobs

/// The memory of every job: what was begun, what it came to, and what the broker was told of it.
///
/// One conformance suite holds for every implementation. Callable from any task; answers are durable when they
/// return, at the durability that was set. One caller at a time works on one job id (the pipeline's in-flight table).
package protocol JobLedger: LedgerCounting {
    /// What this delivery finds. Changes nothing.
    func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult

    /// Writes the intent and counts the call against the day, in one commit.
    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer

    /// Writes what became of a job. `lease`: of the claim whose call the record tells of, nil if it tells of none.
    /// `isUnheard`: that call may still be on its way, so that the lease runs to its end. It waits out a ledger that
    /// cannot commit, keeping the record in memory and first in line; it throws only when the ledger is closed or
    /// unusable.
    @discardableResult
    func record(_ record: Record, under lease: Lease?, isUnheard: Bool) async throws(LedgerError) -> Recorded

    /// Takes back a claim of which nothing was sent: the intent, the lease, and what it counted of `day`. Nothing
    /// happens if somebody has claimed since. It waits out a ledger that cannot commit, as `record` does.
    func withdraw(
        _ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String
    ) async throws(LedgerError)

    /// Whether several workers share it, and with it what an account may call: claims name the limits then.
    var sharesAccounts: Bool { get }

    /// Notes that the API refused the account for its rate: until the time that it returns no worker gets a claim of a
    /// call for it. Nil: nobody shares the ledger, and whoever was refused waits alone.
    func noteRefusal(
        of account: AccountID, for cause: AccountWaitCause, atLeast minimum: Duration
    ) async throws(LedgerError) -> Timestamp?

    /// Lets the job end without a call, whenever a delivery of it comes. False if it has ended or called already: then
    /// its own result stands.
    func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool

    /// Lets the job end without another call, whatever was called before: an operator's last word. `generation` is the
    /// newest that is in flight: one that is newer than the ledger's, or was redriven, ends as well. What has ended
    /// stays.
    func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer

    /// Ends a job that is not in flight; its dead letter stays unpublished. False if the row changed meanwhile.
    func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool

    /// Notes that the broker has a message. A post: it is written with the next commit, within milliseconds, and a
    /// crash before that means one more copy. Whatever is asked later sees it.
    func mark(_ part: PublishedPart, of jobID: JobID, generation: Int)

    /// Adds a line to a job's history. A post: it is written with a later commit, within about a second, and costs none
    /// of its own. Only what the ledger has a row of has a history; of each job the newest 64 lines are kept.
    func note(_ event: JobEvent)

    /// Results that the broker is not known to have, in the order of the job ids' bytes, after `last`, at most
    /// `limit`. Of a job that owes several, the oldest generation's; the next when that is marked.
    func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult]

    /// Jobs whose parked copy was published and was due before `time`, longest overdue first, at most `limit`. A job
    /// whose place an older delivery took stays among them until that delivery comes to an end.
    func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob]

    /// Ends an overdue job whose copy was never delivered. False if the row changed meanwhile.
    func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool

    /// Whether any job among the newest, thousands of them, ended as `left` or `already_left`.
    func knowsSuccess() async throws(LedgerError) -> Bool

    /// Commits something that no job is changed by, as a claim is committed, and returns when it is durable: what only
    /// reads may be answered in time by a ledger whose commits wait for a disk or a replica, or are refused.
    func commitTrial() async throws(LedgerError)
}

/// A ledger of one worker, whose dispatcher keeps the limits of accounts by itself.
extension JobLedger {
    package var sharesAccounts: Bool { false }

    /// Whether it can commit it says itself, and it has no send window that a slow commit could use up.
    package func commitTrial() async throws(LedgerError) { _ = try await knowsSuccess() }

    package func noteRefusal(
        of account: AccountID, for cause: AccountWaitCause, atLeast minimum: Duration
    ) async throws(LedgerError) -> Timestamp? { nil }
}

/// Why the ledger could not answer. The job stays in the broker in every case.
package enum LedgerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Of a file: disk full, read-only or an I/O fault. Of a database: it is away, or takes no writes. The ledger tries by
    /// itself until it is mended.
    case unavailable(String)
    /// Of a file: it is damaged. Of a database: it refuses this daemon, or is another one than before. Of either: its
    /// schema is one that this program cannot use. An operator must correct it.
    case unusable(String)
    /// The ledger was closed.
    case closed

    package var description: String {
        switch self {
        case .unavailable(let detail), .unusable(let detail): detail
        case .closed: "the ledger is closed"
        }
    }
}

/// Whether the ledger can commit, said at each change.
package enum LedgerHealth: Equatable, Sendable {
    case available
    /// It can commit, and grants no claim: its database failed over, and not all who share it have compared yet.
    case comparing(String)
    /// `.unavailable`: it tries by itself until it is mended. `.unusable`: for as long as the process lives.
    case unavailable(LedgerError)
}
