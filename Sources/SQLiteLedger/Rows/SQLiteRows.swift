import CSQLite
import Clocks
import Jobs
import Ledger
import Secrets

/// What is stored, loaded and saved. No decisions here.
final class SQLiteRows {
    let connection: SQLiteConnection
    /// False for a writer that knows of none.
    var mayHaveCancels = true
    /// Numbers of jobs that were claimed through these rows and whose call has not ended. Only whether they are still
    /// calling is asked of them, so that one of a commit that failed does no harm.
    var claimed: Set<Int> = []

    init(connection: SQLiteConnection) {
        self.connection = connection
    }

    static let columns = """
        job_id, account, token_sha256, generation, copy, attempts, ambiguous, intent, malformed, first_seen, \
        first_call, due, copy_published, finished, letter_published, changed, revision, event
        """

    private static let loading = SQL("SELECT \(columns), number FROM jobs WHERE job_id = ?1")
    // Two statements, because one that does either needs a journal of its own, to be undone by itself. No number is
    // given twice, though the job with the highest is removed: what was left of it would become another job's.
    private static let inserting = SQL(
        """
        INSERT INTO jobs (number, \(columns))
        VALUES (max((SELECT ever FROM tally), ifnull((SELECT max(number) FROM jobs), 0)) + 1,
        ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
        """)
    private static let updating = SQL(
        """
        UPDATE jobs SET generation = ?4, copy = ?5, attempts = ?6, ambiguous = ?7, intent = ?8, malformed = ?9,
        first_seen = ?10, first_call = ?11, due = ?12, copy_published = ?13, finished = ?14, letter_published = ?15,
        changed = ?16, revision = ?17 WHERE number = ?1
        """)
    private static let loadingOverdue = SQL(
        """
        SELECT \(columns), number FROM jobs WHERE due IS NOT NULL AND due < ?1 AND copy_published = 1 AND finished = 0
        ORDER BY due LIMIT ?2
        """)

    func load(_ id: JobID) throws(SQLiteFault) -> LedgerRow? {
        let statement = try connection.statement(Self.loading)
        defer { statement.reset() }
        statement.bind(1, id.utf8)
        return try statement.step() ? try Self.row(of: statement) : nil
    }

    func loadOverdue(before time: Timestamp, limit: Int) throws(SQLiteFault) -> [LedgerRow] {
        try connection.query(Self.loadingOverdue, bind: { $0.bind(1, time).bind(2, limit) }, Self.row)
    }

    static func row(of statement: SQLiteStatement) throws(SQLiteFault) -> LedgerRow {
        guard let hash = SHA256Digest(bytes: statement.blob(2)) else {
            throw SQLiteFault(
                code: SQLITE_CORRUPT, attempted: "reading a job", message: "its token hash is not 32 bytes")
        }
        var row = LedgerRow(
            jobID: JobID(utf8: statement.blob(0)), account: AccountID(utf8: statement.blob(1)), tokenHash: hash,
            generation: statement.int(3), copy: statement.int(4), firstSeen: statement.time(9),
            changedAt: statement.time(15))
        row.attempts = statement.int(5)
        row.isAmbiguous = statement.bool(6)
        row.hasOpenIntent = statement.bool(7)
        row.malformedAnswers = statement.int(8)
        row.firstCallAt = statement.timeIfAny(10)
        row.due = statement.timeIfAny(11)
        row.copyIsPublished = statement.bool(12)
        row.isFinished = statement.bool(13)
        row.deadLetterIsPublished = statement.bool(14)
        row.revision = statement.int(16)
        if !statement.isNull(17) { row.event = EventContext(decoding: statement.blob(17)) }
        row.number = statement.int(18)
        return row
    }

    /// Nearly no job has one.
    func bind(_ event: EventContext?, to statement: SQLiteStatement) {
        if let event { statement.bind(18, event.encoded()) } else { statement.bind(18, nil as Int64?) }
    }

    /// Returns the job's number.
    func save(_ row: LedgerRow) throws(SQLiteFault) -> Int {
        let isNew = row.number == 0
        let statement = try connection.statement(isNew ? Self.inserting : Self.updating)
        if isNew {
            statement.bind(1, row.jobID.utf8).bind(2, row.account.utf8).bind(3, row.tokenHash.bytes)
            bind(row.event, to: statement)
        } else {
            // None of the four ever changes.
            statement.bind(1, row.number)
        }
        statement.bind(4, row.generation).bind(5, row.copy).bind(6, row.attempts).bind(7, row.isAmbiguous)
            .bind(8, row.hasOpenIntent).bind(9, row.malformedAnswers).bind(10, row.firstSeen)
            .bind(11, row.firstCallAt).bind(12, row.due).bind(13, row.copyIsPublished).bind(14, row.isFinished)
            .bind(15, row.deadLetterIsPublished).bind(16, row.changedAt).bind(17, row.revision)
        try statement.run()
        return isNew ? connection.lastInsertedNumber : row.number
    }
}
