public import Jobs
import Secrets
public import Threads

/// A reader beside the daemon: opens the file read-only, waits for nobody. Not Sendable: one thread uses it.
public final class LedgerReader {
    private let connection: SQLiteConnection
    private let rows: SQLiteRows
    public let path: String

    public init(path: String) throws(LedgerError) {
        self.path = path
        do throws(SQLiteFault) {
            connection = try SQLiteConnection(path: path, mode: .readOnly)
            let version = Int(try connection.integer("PRAGMA user_version"))
            guard version <= LedgerSchema.version else {
                throw SQLiteFault(
                    code: 1, attempted: "reading",
                    message: "its schema is version \(version), and this program knows \(LedgerSchema.version)")
            }
        } catch {
            throw error.ledgerError(path: path)
        }
        rows = SQLiteRows(connection: connection)
    }

    /// All that is known of a job, or nil.
    public func story(of id: JobID) throws(LedgerError) -> JobStory? {
        try attempt { rows throws(SQLiteFault) in
            guard let row = try rows.load(id) else { return nil }
            var results: [StoredResult] = []
            for generation in 0...row.generation {
                if let result = try rows.loadResult(id, generation: generation) { results.append(result) }
            }
            let state: JobStory.State =
                row.isFinished
                ? .finished(resultIsPublished: row.resultIsPublished, letterIsPublished: row.letterIsPublished)
                : .open(row.open, isCalling: row.hasOpenIntent)
            return JobStory(
                jobID: id, account: row.account, tokenHash: row.tokenHash.hexadecimal, generation: row.generation,
                attempts: row.attempts, isAmbiguous: row.isAmbiguous, firstSeen: row.firstSeen,
                firstCallAt: row.firstCallAt, changedAt: row.changedAt, state: state, results: results,
                events: try rows.history(of: id))
        }
    }

    public func statistics(at now: Timestamp) throws(LedgerError) -> LedgerStatistics {
        try attempt { rows throws(SQLiteFault) in
            try LedgerStatistics.read(rows.connection, path: rows.connection.path, at: now)
        }
    }

    public func results(since time: Timestamp, after last: Timestamp, limit: Int) throws(LedgerError) -> [OwedResult] {
        try attempt { rows throws(SQLiteFault) in
            try rows.resultsCompleted(since: time, after: last, limit: limit)
        }
    }

    public func count(of day: String) throws(LedgerError) -> DayCount {
        try attempt { rows throws(SQLiteFault) in try rows.count(of: day) }
    }

    /// Whether no job was ever recorded.
    public func isEmpty() throws(LedgerError) -> Bool {
        try attempt { rows throws(SQLiteFault) in
            try rows.connection.integer("SELECT EXISTS (SELECT 1 FROM jobs)") == 0
        }
    }

    /// SQLite's own full check, then what must hold between the tables. Empty if all is well. Takes seconds for
    /// millions of jobs.
    public func faults() throws(LedgerError) -> [String] {
        try attempt { rows throws(SQLiteFault) in
            var faults: [String] = []
            let check = try rows.connection.statement("PRAGMA integrity_check(20)")
            while try check.step() {
                if let line = check.text(0), line != "ok" { faults.append(line) }
            }
            check.reset()
            for (count, what) in Self.invariants {
                let broken = try rows.connection.integer(count)
                if broken > 0 { faults.append("\(broken) \(what)") }
            }
            return faults
        }
    }

    private static let invariants = [
        (
            """
            SELECT count(*) FROM jobs WHERE finished = 1 AND NOT EXISTS (SELECT 1 FROM results WHERE results.job_id =
            jobs.job_id AND results.generation = jobs.generation)
            """, "finished jobs without a stored result"
        ),
        (
            "SELECT count(*) FROM results WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.job_id = results.job_id)",
            "results without a job"
        ),
        (
            "SELECT count(*) FROM jobs WHERE finished = 1 AND (intent = 1 OR due IS NOT NULL)",
            "finished jobs still open"
        ),
        ("SELECT count(*) FROM jobs WHERE length(token_sha256) <> 32", "jobs with a damaged token hash"),
    ]

    private func attempt<Answer>(
        _ body: (SQLiteRows) throws(SQLiteFault) -> Answer
    ) throws(LedgerError) -> Answer {
        do throws(SQLiteFault) {
            return try body(rows)
        } catch {
            throw error.ledgerError(path: path)
        }
    }

    /// Copies the ledger, as of now, into a new file, beside a running writer.
    public func backUp(to target: String) throws(LedgerError) {
        do throws(SQLiteFault) {
            try LedgerBackup.copy(connection, to: target)
        } catch {
            throw error.ledgerError(path: target)
        }
    }
}
