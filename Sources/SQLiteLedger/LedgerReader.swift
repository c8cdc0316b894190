import CSQLite
package import Clocks
import Concurrency
package import Jobs
package import Ledger
import Secrets

/// A reader beside the daemon, or without one: opens the file read-only and waits for nobody. Not Sendable: one thread
/// uses it.
package final class LedgerReader {
    private let connection: SQLiteConnection
    private let rows: SQLiteRows
    private let stop: Lock<Bool>?
    /// Of the file's schema.
    private let version: Int
    package let path: String

    package convenience init(path: String) throws(LedgerError) {
        try self.init(path: path, stop: nil)
    }

    /// With `stop` true, what is being read fails soon.
    init(path: String, stop: Lock<Bool>?) throws(LedgerError) {
        self.path = path
        self.stop = stop
        do throws(SQLiteFault) {
            connection = try SQLiteConnection(path: path, mode: .readOnly)
        } catch {
            throw error.ledgerError(path: path)
        }
        rows = SQLiteRows(connection: connection)
        version = try LedgerSchema.check(connection)
        guard version >= 1 else { throw .unusable("ledger \(path) is empty: a start of the daemon makes its tables") }
        if let stop {
            // The connection goes before `stop` does: both are this object's.
            sqlite3_progress_handler(
                connection.handle, Self.stepsBetweenLooks, isStopped, Unmanaged.passUnretained(stop).toOpaque())
        }
    }

    /// Throws for a file of an older version. It can be checked and copied, but what else is read may want tables of
    /// this one.
    package func requireCurrentSchema() throws(LedgerError) {
        guard version < LedgerSchema.version else { return }
        throw .unusable(
            "ledger \(path) has schema version \(version), and this leave-albumd reads \(LedgerSchema.version): "
                + "a start of the daemon brings the file up to it")
    }

    /// Of SQLite's machine: some milliseconds of work.
    /// https://sqlite.org/c3ref/progress_handler.html
    private static let stepsBetweenLooks: Int32 = 100_000

    // MARK: What is in it

    /// All that is known of a job, or nil.
    package func history(of id: JobID) throws(LedgerError) -> JobRecord? {
        try snapshot { rows throws(SQLiteFault) in
            guard let row = try rows.load(id) else { return nil }
            let records = try rows.loadResults(of: row)
            let state: JobRecord.State =
                row.isFinished
                ? .finished(
                    resultIsPublished: records.allSatisfy(\.isPublished),
                    deadLetterIsPublished: row.deadLetterIsPublished)
                : .open(row.open, isCalling: row.hasOpenIntent)
            let end = row.isFinished ? row.changedAt : Timestamp(milliseconds: .max)
            return JobRecord(
                jobID: id, account: row.account, tokenHash: row.tokenHash.hexadecimal, generation: row.generation,
                attempts: row.attempts, isAmbiguous: row.isAmbiguous, firstSeen: row.firstSeen,
                firstCallAt: row.firstCallAt, changedAt: row.changedAt, state: state, results: records.map(\.result),
                events: try rows.history(of: row), holds: try rows.holds(from: row.firstSeen, to: end))
        }
    }

    /// The numbers of an account's jobs. A scan of all jobs: seconds for millions.
    func numbers(of account: AccountID) throws(LedgerError) -> [Int] {
        try snapshot { rows throws(SQLiteFault) in
            try rows.connection.query(
                "SELECT number FROM jobs WHERE account = ?1", bind: { $0.bind(1, account.utf8) }
            ) { row throws(SQLiteFault) in
                row.int(0)
            }
        }
    }

    /// Where each of these jobs stands, in their order.
    package func statuses(of ids: [JobID]) throws(LedgerError) -> [JobStatus] {
        try snapshot { rows throws(SQLiteFault) in
            var statuses: [JobStatus] = []
            for id in ids { statuses.append(try rows.status(of: id)) }
            return statuses
        }
    }

    package func statistics(at now: Timestamp) throws(LedgerError) -> LedgerStatistics {
        try snapshot { rows throws(SQLiteFault) in try LedgerStatistics.read(rows, at: now) }
    }

    /// Stored results in the order of their completion, from `time` on, or after `last` of the page before.
    package func results(
        since time: Timestamp, after last: ResultCursor? = nil, limit: Int
    ) throws(LedgerError) -> [UnpublishedResult] {
        try snapshot { rows throws(SQLiteFault) in try rows.loadCompleted(since: time, after: last, limit: limit) }
    }

    /// The results of one job, a generation each, oldest first.
    package func results(of id: JobID) throws(LedgerError) -> [StoredResult] {
        try snapshot { rows throws(SQLiteFault) in
            guard let row = try rows.load(id) else { return [] }
            return try rows.loadResults(of: row).map(\.result)
        }
    }

    package func count(of day: String) throws(LedgerError) -> DayCount {
        try snapshot { rows throws(SQLiteFault) in try rows.count(of: day) }
    }

    package func holds(from start: Timestamp, to end: Timestamp) throws(LedgerError) -> [HoldRecord] {
        try snapshot { rows throws(SQLiteFault) in try rows.holds(from: start, to: end) }
    }

    // MARK: Whether it is whole

    /// `damage()` and `contradictions()`; empty if all is well. Takes seconds for millions of jobs.
    package func faults() throws(LedgerError) -> [String] {
        try damage() + contradictions()
    }

    /// What SQLite's own full check finds.
    func damage() throws(LedgerError) -> [String] {
        try snapshot(permitsOlder: true) { rows throws(SQLiteFault) in
            try rows.connection.query("PRAGMA integrity_check(20)") { row throws(SQLiteFault) in row.text(0) ?? "" }
                .filter { $0 != "ok" }
        }
    }

    /// What must hold between the tables and does not.
    func contradictions() throws(LedgerError) -> [String] {
        try snapshot(permitsOlder: true) { rows throws(SQLiteFault) in
            var found: [String] = []
            for (condition, what) in Self.contradictions(version: version) {
                let count = try rows.connection.integer("SELECT count(*) FROM \(condition)")
                if count > 0 { found.append("\(count) \(what)") }
            }
            return found
        }
    }

    /// Conditions on rows that no transaction leaves behind, and what to call them, in the tables of that version.
    private static func contradictions(version: Int) -> [(condition: String, what: String)] {
        let belongs = version < 4 ? "results.job_id = jobs.job_id" : "results.job = jobs.number"
        let always = [
            (
                """
                jobs WHERE finished = 1 AND NOT EXISTS (SELECT 1 FROM results
                WHERE \(belongs) AND results.generation = jobs.generation)
                """, "finished jobs without a stored result"
            ),
            (
                """
                jobs JOIN results ON \(belongs) AND results.generation >= jobs.generation
                WHERE finished = 0 OR results.generation > jobs.generation
                """, "results of generations that have not ended"
            ),
            ("results WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE \(belongs))", "results without a job"),
            ("jobs WHERE finished = 1 AND (intent = 1 OR due IS NOT NULL)", "finished jobs with an open call or copy"),
            ("tally WHERE entries <> (SELECT count(*) FROM jobs) OR ever < entries", "wrong counts of all jobs"),
        ]
        let sinceVersion3 = [
            (
                """
                tally WHERE open <> (SELECT count(*) FROM jobs WHERE finished = 0)
                OR ambiguous <> (SELECT count(*) FROM jobs WHERE finished = 0 AND (ambiguous = 1 OR intent = 1))
                """, "wrong counts of open jobs"
            ),
            (
                """
                owed WHERE NOT EXISTS (SELECT 1 FROM results JOIN jobs ON \(belongs)
                WHERE jobs.job_id = owed.job_id AND results.generation = owed.generation)
                """, "owed results that are not stored"
            ),
        ]
        let sinceVersion4 = [
            (
                "history WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.number = history.job)",
                "lines of stories without a job"
            )
        ]
        return always + (version < 3 ? [] : sinceVersion3) + (version < 4 ? [] : sinceVersion4)
    }

    // MARK: Copies

    /// Copies the ledger, as of now, into `target`, beside a running writer, and checks the copy. A file of that name
    /// is replaced once the copy is whole and on the disk.
    package func backUp(to target: String) throws(LedgerError) {
        try LedgerBackup.copy(connection, to: target)
    }

    /// One state of the file for all that `body` reads.
    private func snapshot<Answer>(
        permitsOlder: Bool = false, _ body: (SQLiteRows) throws(SQLiteFault) -> Answer
    ) throws(LedgerError) -> Answer {
        if !permitsOlder { try requireCurrentSchema() }
        do throws(SQLiteFault) {
            try connection.execute("BEGIN")
            // Nothing was written: ending it cannot lose anything.
            defer { connection.rollBack() }
            return try body(rows)
        } catch {
            throw error.ledgerError(path: path)
        }
    }
}

// File-private and free: SQLite calls it on the reader's own thread.
private func isStopped(_ context: UnsafeMutableRawPointer?) -> Int32 {
    guard let context else { return 0 }
    return Unmanaged<Lock<Bool>>.fromOpaque(context).takeUnretainedValue().withLock { $0 } ? 1 : 0
}
