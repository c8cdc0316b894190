package import Clocks
package import Jobs

/// Numbers of a ledger, which the pipeline and whoever watches it both ask for.
package protocol LedgerCounting: Sendable {
    /// Calls and album queries counted against a day.
    func count(of day: String) async throws(LedgerError) -> DayCount

    /// Numbers for metrics, all of them counted. A file answers at once, whatever it holds. A database reads all of its
    /// jobs, which is about a second for a million, beside the connection that the jobs go over.
    func statistics() async throws(LedgerError) -> LedgerStatistics

    /// Numbers for people, who wait for them. A large database counts its jobs in a sample, and says so.
    func approximateStatistics() async throws(LedgerError) -> LedgerStatistics
}

extension LedgerCounting {
    package func approximateStatistics() async throws(LedgerError) -> LedgerStatistics { try await statistics() }
}

/// What is asked of a ledger that is there, by the daemon that works with it or by a command beside it. Changes
/// nothing that is remembered of a job.
package protocol LedgerReading: LedgerCounting {
    var kind: LedgerKind { get }

    /// Where it is, for people: a file's name, or a host and a database. No secrets.
    var place: String { get }

    /// What its times are by: a database's clock, which is the same for all who share it, or the host's. Whoever compares
    /// a time with one of the ledger's, or writes one into it, has it from here.
    var clock: any TimeSource { get }

    /// Where each of these jobs stands, in their order.
    func statuses(of ids: [JobID]) async throws(LedgerError) -> [JobStatus]

    /// All that is known of a job, or nil.
    func history(of id: JobID) async throws(LedgerError) -> JobRecord?

    /// Holds that lasted at some time between the two, oldest first.
    func holds(from start: Timestamp, to end: Timestamp) async throws(LedgerError) -> [HoldRecord]

    /// Stored results in the order of their completion, from `time` on, or after `last` of the page before.
    func results(
        since time: Timestamp, after last: ResultCursor?, limit: Int
    ) async throws(LedgerError) -> [UnpublishedResult]

    /// The results of one job, a generation each, oldest first.
    func results(of id: JobID) async throws(LedgerError) -> [StoredResult]

    /// The full check; empty if all is well. Takes seconds for millions of jobs.
    func verify() async throws(LedgerError) -> [String]

    /// The daemons that share the ledger, those that have ended too, oldest first. None of one that is a file.
    func members() async throws(LedgerError) -> [ClusterMember]

    /// Copies the ledger into the file `target` while jobs go on, and checks the copy. `.unusable` where a ledger is
    /// copied by other means, which the error names.
    func backUp(to target: String) async throws(LedgerError)
}

/// What keeps a ledger; the raw value is the word of status and metrics.
package enum LedgerKind: String, CaseIterable, Sendable {
    /// A file of one daemon.
    case sqlite
    /// A database that several daemons share.
    case postgresql
}
