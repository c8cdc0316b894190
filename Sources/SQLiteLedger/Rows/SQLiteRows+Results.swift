import CSQLite
import Clocks
import Concurrency
import Jobs
import Ledger

extension SQLiteRows {
    private static let resultColumns =
        "results.generation, message_id, outcome, reason, body, correlation_id, traceparent, tracestate, completed"
    // What the broker is not known to have is in `unpublished`, by the job's id.
    private static let isUnpublished =
        "EXISTS (SELECT 1 FROM owed WHERE owed.job_id = ?1 AND owed.generation = results.generation)"
    private static let loadingResult = SQL(
        "SELECT ?1, \(resultColumns), \(isUnpublished) FROM results WHERE job = ?2 AND generation = ?3")
    private static let loadingResults = SQL(
        "SELECT ?1, \(resultColumns), \(isUnpublished) FROM results WHERE job = ?2 ORDER BY generation")
    private static let savingResult = SQL(
        """
        INSERT INTO results (job, generation, message_id, outcome, reason, body, correlation_id, traceparent,
        tracestate, completed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING
        """)
    private static let insertUnpublished = SQL(
        "INSERT INTO owed (job_id, generation) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
    private static let owingNoMore = SQL("DELETE FROM owed WHERE job_id = ?1 AND generation = ?2")
    private static let selectUnpublished = SQL(
        """
        SELECT owed.job_id, \(resultColumns) FROM owed CROSS JOIN jobs USING (job_id)
        CROSS JOIN results ON results.job = jobs.number AND results.generation = owed.generation
        WHERE owed.job_id > ?1
        AND NOT EXISTS (SELECT 1 FROM owed AS older WHERE older.job_id = owed.job_id
        AND older.generation < owed.generation) ORDER BY owed.job_id, owed.generation LIMIT ?2
        """)
    // A cursor's job may be forgotten by now, and even have come again: its millisecond begins anew.
    private static let loadingCompleted = SQL(
        """
        SELECT job_id, \(resultColumns) FROM results CROSS JOIN jobs ON jobs.number = results.job
        WHERE (completed, job, results.generation) > (?1, ifnull((SELECT number FROM jobs CROSS JOIN results
        ON job = number WHERE job_id = ?2 AND results.generation = ?3 AND completed = ?1), 0), ?3)
        ORDER BY completed, job, results.generation LIMIT ?4
        """)

    func loadResult(of row: LedgerRow, generation: Int) throws(SQLiteFault) -> ResultRecord? {
        let statement = try connection.statement(Self.loadingResult)
        defer { statement.reset() }
        statement.bind(1, row.jobID.utf8).bind(2, row.number).bind(3, generation)
        guard try statement.step() else { return nil }
        return ResultRecord(result: try Self.unpublished(statement).result, isPublished: !statement.bool(10))
    }

    /// One for each generation that ended, oldest first.
    func loadResults(of row: LedgerRow) throws(SQLiteFault) -> [ResultRecord] {
        try connection.query(
            Self.loadingResults, bind: { $0.bind(1, row.jobID.utf8).bind(2, row.number) }
        ) { statement throws(SQLiteFault) in
            ResultRecord(result: try Self.unpublished(statement).result, isPublished: !statement.bool(10))
        }
    }

    private static func unpublished(_ row: SQLiteStatement) throws(SQLiteFault) -> UnpublishedResult {
        guard let outcome = row.text(3).flatMap(Outcome.init(rawValue:)) else {
            throw SQLiteFault(code: SQLITE_CORRUPT, attempted: "reading a result", message: "it has no known outcome")
        }
        let result = StoredResult(
            messageID: row.text(2) ?? "", outcome: outcome, reason: row.text(4).flatMap(Reason.init(rawValue:)),
            body: row.blob(5), correlationID: row.text(6), traceparent: row.text(7), tracestate: row.text(8),
            completedAt: row.time(9))
        return UnpublishedResult(jobID: JobID(utf8: row.blob(0)), generation: row.int(1), result: result)
    }

    /// The first result of a generation stays for ever: a second one changes nothing.
    func save(_ result: StoredResult, of row: LedgerRow, generation: Int) throws(SQLiteFault) {
        let statement = try connection.statement(Self.savingResult)
        statement.bind(1, row.number).bind(2, generation).bind(3, result.messageID).bind(4, result.outcome.rawValue)
            .bind(5, result.reason?.rawValue).bind(6, result.body).bind(7, result.correlationID)
            .bind(8, result.traceparent).bind(9, result.tracestate).bind(10, result.completedAt)
        try statement.run()
        guard connection.lastChangedRows > 0 else { return }
        let insertUnpublished = try connection.statement(Self.insertUnpublished)
        insertUnpublished.bind(1, row.jobID.utf8).bind(2, generation)
        try insertUnpublished.run()
    }

    func markResult(of id: JobID, generation: Int) throws(SQLiteFault) {
        let statement = try connection.statement(Self.owingNoMore)
        statement.bind(1, id.utf8).bind(2, generation)
        try statement.run()
    }

    /// Of so many results, the newest jobs' first, so that a start reads no more than that.
    private static let newest = 10_000

    func knowsSuccess() throws(SQLiteFault) -> Bool {
        let successes = [Outcome.left, .alreadyLeft].map { "'\($0.rawValue)'" }.joined(separator: ", ")
        let newest = "SELECT outcome FROM results ORDER BY job DESC LIMIT \(Self.newest)"
        return try connection.integer("SELECT EXISTS (SELECT 1 FROM (\(newest)) WHERE outcome IN (\(successes)))") > 0
    }

    func loadUnpublished(after last: JobID?, limit: Int) throws(SQLiteFault) -> [UnpublishedResult] {
        try connection.query(
            Self.selectUnpublished, bind: { $0.bind(1, last?.utf8 ?? []).bind(2, limit) }, Self.unpublished)
    }

    /// Results in the order of their completion, from `time` on, or after `last`.
    func loadCompleted(
        since time: Timestamp, after last: ResultCursor?, limit: Int
    ) throws(SQLiteFault) -> [UnpublishedResult] {
        try connection.query(
            Self.loadingCompleted,
            bind: { statement in
                if let last {
                    statement.bind(1, last.completedAt).bind(2, last.jobID.utf8).bind(3, last.generation)
                } else {
                    // No job id is empty, so this comes before the first result of that millisecond.
                    statement.bind(1, time).bind(2, []).bind(3, 0)
                }
                statement.bind(4, limit)
            }, Self.unpublished)
    }
}
