import CSQLite
import Jobs
import Secrets
import Threads

/// Rows and results, loaded and saved. No decisions here.
struct SQLiteRows {
    let connection: SQLiteConnection

    private static let columns = """
        job_id, account, token_sha256, generation, copy, attempts, ambiguous, intent, malformed, first_seen, \
        first_call, due, copy_published, finished, result_published, letter_published, changed
        """

    func load(_ id: JobID) throws(SQLiteFault) -> LedgerRow? {
        let statement = try connection.statement("SELECT \(Self.columns) FROM jobs WHERE job_id = ?1")
        defer { statement.reset() }
        statement.bind(1, id.utf8)
        return try statement.step() ? try row(of: statement) : nil
    }

    func loadOverdue(before time: Timestamp, limit: Int) throws(SQLiteFault) -> [LedgerRow] {
        let statement = try connection.statement(
            """
            SELECT \(Self.columns) FROM jobs WHERE due IS NOT NULL AND due < ?1 AND copy_published = 1
            AND finished = 0 ORDER BY due LIMIT ?2
            """)
        defer { statement.reset() }
        statement.bind(1, time).bind(2, limit)
        var rows: [LedgerRow] = []
        while try statement.step() { rows.append(try row(of: statement)) }
        return rows
    }

    private func row(of statement: SQLiteStatement) throws(SQLiteFault) -> LedgerRow {
        guard let hash = SHA256Digest(bytes: statement.blob(2)) else {
            throw SQLiteFault(
                code: SQLITE_CORRUPT, attempted: "reading a job", message: "its token hash is not 32 bytes")
        }
        var row = LedgerRow(
            jobID: JobID(utf8: statement.blob(0)), account: AccountID(utf8: statement.blob(1)), tokenHash: hash,
            generation: statement.int(3), copy: statement.int(4), firstSeen: statement.time(9),
            changedAt: statement.time(16))
        row.attempts = statement.int(5)
        row.isAmbiguous = statement.bool(6)
        row.hasOpenIntent = statement.bool(7)
        row.malformedAnswers = statement.int(8)
        row.firstCallAt = statement.timeIfAny(10)
        row.due = statement.timeIfAny(11)
        row.copyIsPublished = statement.bool(12)
        row.isFinished = statement.bool(13)
        row.resultIsPublished = statement.bool(14)
        row.letterIsPublished = statement.bool(15)
        return row
    }

    func save(_ row: LedgerRow) throws(SQLiteFault) {
        let statement = try connection.statement(
            """
            INSERT INTO jobs (\(Self.columns))
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
            ON CONFLICT (job_id) DO UPDATE SET generation = ?4, copy = ?5, attempts = ?6, ambiguous = ?7, intent = ?8,
            malformed = ?9, first_seen = ?10, first_call = ?11, due = ?12, copy_published = ?13, finished = ?14,
            result_published = ?15, letter_published = ?16, changed = ?17
            """)
        statement.bind(1, row.jobID.utf8).bind(2, row.account.utf8).bind(3, row.tokenHash.bytes)
            .bind(4, row.generation).bind(5, row.copy).bind(6, row.attempts).bind(7, row.isAmbiguous)
            .bind(8, row.hasOpenIntent).bind(9, row.malformedAnswers).bind(10, row.firstSeen)
            .bind(11, row.firstCallAt).bind(12, row.due).bind(13, row.copyIsPublished).bind(14, row.isFinished)
            .bind(15, row.resultIsPublished).bind(16, row.letterIsPublished).bind(17, row.changedAt)
        try statement.run()
    }

    // MARK: Results

    private static let resultColumns =
        "message_id, outcome, reason, body, correlation_id, traceparent, tracestate, completed"

    func loadResult(_ id: JobID, generation: Int) throws(SQLiteFault) -> StoredResult? {
        let statement = try connection.statement(
            "SELECT \(Self.resultColumns) FROM results WHERE job_id = ?1 AND generation = ?2")
        defer { statement.reset() }
        statement.bind(1, id.utf8).bind(2, generation)
        return try statement.step() ? try Self.result(of: statement, from: 0) : nil
    }

    private static func result(of statement: SQLiteStatement, from column: Int32) throws(SQLiteFault) -> StoredResult {
        guard let outcome = statement.text(column + 1).flatMap(Outcome.init(rawValue:)) else {
            throw SQLiteFault(code: SQLITE_CORRUPT, attempted: "reading a result", message: "it has no known outcome")
        }
        return StoredResult(
            messageID: statement.text(column) ?? "", outcome: outcome,
            reason: statement.text(column + 2).flatMap(Reason.init(rawValue:)), body: statement.blob(column + 3),
            correlationID: statement.text(column + 4), traceparent: statement.text(column + 5),
            tracestate: statement.text(column + 6), completedAt: statement.time(column + 7))
    }

    /// The first result of a generation stays for ever: a second one changes nothing.
    func save(_ result: StoredResult, of id: JobID, generation: Int) throws(SQLiteFault) {
        let statement = try connection.statement(
            """
            INSERT INTO results (job_id, generation, \(Self.resultColumns))
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING
            """)
        statement.bind(1, id.utf8).bind(2, generation).bind(3, result.messageID).bind(4, result.outcome.rawValue)
            .bind(5, result.reason?.rawValue).bind(6, result.body).bind(7, result.correlationID)
            .bind(8, result.traceparent).bind(9, result.tracestate).bind(10, result.completedAt)
        try statement.run()
    }

    func owedResults(after last: JobID?, limit: Int) throws(SQLiteFault) -> [OwedResult] {
        let statement = try connection.statement(
            """
            SELECT jobs.job_id, jobs.generation, \(Self.resultColumns) FROM jobs JOIN results
            ON results.job_id = jobs.job_id AND results.generation = jobs.generation
            WHERE finished = 1 AND result_published = 0 AND jobs.job_id > ?1 ORDER BY jobs.job_id LIMIT ?2
            """)
        defer { statement.reset() }
        statement.bind(1, last?.utf8 ?? []).bind(2, limit)
        return try results(of: statement)
    }

    func resultsCompleted(since time: Timestamp, after last: Timestamp, limit: Int) throws(SQLiteFault) -> [OwedResult]
    {
        let statement = try connection.statement(
            """
            SELECT job_id, generation, \(Self.resultColumns) FROM results
            WHERE completed >= ?1 AND completed > ?2 ORDER BY completed LIMIT ?3
            """)
        defer { statement.reset() }
        statement.bind(1, time).bind(2, last).bind(3, limit)
        return try results(of: statement)
    }

    private func results(of statement: SQLiteStatement) throws(SQLiteFault) -> [OwedResult] {
        var owed: [OwedResult] = []
        while try statement.step() {
            owed.append(
                OwedResult(
                    jobID: JobID(utf8: statement.blob(0)), generation: statement.int(1),
                    result: try Self.result(of: statement, from: 2)))
        }
        return owed
    }

    // MARK: The day's count

    func count(_ kind: Claim.Kind, on day: String) throws(SQLiteFault) {
        let statement = try connection.statement(
            """
            INSERT INTO days (day, calls, probes) VALUES (?1, ?2, ?3)
            ON CONFLICT (day) DO UPDATE SET calls = calls + ?2, probes = probes + ?3
            """)
        statement.bind(1, day).bind(2, kind == .call).bind(3, kind == .probe)
        try statement.run()
    }

    func count(of day: String) throws(SQLiteFault) -> DayCount {
        let statement = try connection.statement("SELECT calls, probes FROM days WHERE day = ?1")
        defer { statement.reset() }
        statement.bind(1, day)
        return try statement.step()
            ? DayCount(calls: statement.int(0), probes: statement.int(1)) : DayCount(calls: 0, probes: 0)
    }

    // MARK: History

    /// More than the retry ladder has rungs; a job that flaps keeps its newest.
    private static let eventsKept = 64

    func save(_ event: JobEvent) throws(SQLiteFault) {
        let statement = try connection.statement(
            "INSERT INTO history (job_id, at, generation, kind, detail) VALUES (?1, ?2, ?3, ?4, ?5)")
        statement.bind(1, event.jobID.utf8).bind(2, event.at).bind(3, event.generation).bind(4, event.kind)
            .bind(5, event.detail)
        try statement.run()
        let trim = try connection.statement(
            """
            DELETE FROM history WHERE job_id = ?1 AND rowid <= (SELECT rowid FROM history WHERE job_id = ?1
            ORDER BY rowid DESC LIMIT 1 OFFSET ?2)
            """)
        trim.bind(1, event.jobID.utf8).bind(2, Self.eventsKept)
        try trim.run()
    }

    func history(of id: JobID) throws(SQLiteFault) -> [JobEvent] {
        let statement = try connection.statement(
            "SELECT at, generation, kind, detail FROM history WHERE job_id = ?1 ORDER BY rowid")
        defer { statement.reset() }
        statement.bind(1, id.utf8)
        var events: [JobEvent] = []
        while try statement.step() {
            events.append(
                JobEvent(
                    jobID: id, generation: statement.int(1), at: statement.time(0), kind: statement.text(2) ?? "",
                    detail: statement.text(3) ?? ""))
        }
        return events
    }
}
