/// The tables, and how a file of an older version becomes one of this.
enum LedgerSchema {
    /// Steps, in order: the n-th makes version n of version n - 1. A step that was released is never changed.
    static let migrations: [String] = [
        """
        CREATE TABLE jobs (
            job_id BLOB PRIMARY KEY,
            account BLOB NOT NULL,
            token_sha256 BLOB NOT NULL,
            generation INTEGER NOT NULL,
            copy INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            ambiguous INTEGER NOT NULL,
            intent INTEGER NOT NULL,
            malformed INTEGER NOT NULL,
            first_seen INTEGER NOT NULL,
            first_call INTEGER,
            due INTEGER,
            copy_published INTEGER NOT NULL,
            finished INTEGER NOT NULL,
            result_published INTEGER NOT NULL,
            letter_published INTEGER NOT NULL,
            changed INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX jobs_due ON jobs (due) WHERE due IS NOT NULL;
        CREATE INDEX jobs_owed ON jobs (job_id) WHERE finished = 1 AND result_published = 0;
        CREATE INDEX jobs_open ON jobs (ambiguous) WHERE finished = 0;
        CREATE INDEX jobs_account ON jobs (account);
        CREATE INDEX jobs_changed ON jobs (changed) WHERE finished = 1;
        CREATE TABLE results (
            job_id BLOB NOT NULL,
            generation INTEGER NOT NULL,
            message_id TEXT NOT NULL,
            outcome TEXT NOT NULL,
            reason TEXT,
            body BLOB NOT NULL,
            correlation_id TEXT,
            traceparent TEXT,
            tracestate TEXT,
            completed INTEGER NOT NULL,
            PRIMARY KEY (job_id, generation)
        ) WITHOUT ROWID;
        CREATE INDEX results_completed ON results (completed);
        CREATE TABLE days (day TEXT PRIMARY KEY, calls INTEGER NOT NULL, probes INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE history (
            job_id BLOB NOT NULL,
            at INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            kind TEXT NOT NULL,
            detail TEXT NOT NULL
        );
        CREATE INDEX history_job ON history (job_id);
        CREATE TABLE holds (cause TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, detail TEXT NOT NULL,
            PRIMARY KEY (cause, since)) WITHOUT ROWID;
        CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        """
    ]

    static var version: Int { migrations.count }

    /// Brings the file to `steps.count`, each step in a transaction of its own. Throws for a file of a newer program.
    static func migrate(_ connection: SQLiteConnection, steps: [String] = migrations) throws(LedgerError) {
        do throws(SQLiteFault) {
            var version = Int(try connection.integer("PRAGMA user_version"))
            guard version <= steps.count else {
                throw SQLiteFault(
                    code: newer, attempted: "version \(version)", message: "this program knows \(steps.count)")
            }
            while version < steps.count {
                try connection.execute("BEGIN IMMEDIATE")
                do throws(SQLiteFault) {
                    try connection.execute(steps[version])
                    try connection.execute("PRAGMA user_version = \(version + 1)")
                    try connection.execute("COMMIT")
                } catch {
                    if connection.isInTransaction { try? connection.execute("ROLLBACK") }
                    throw error
                }
                version += 1
            }
        } catch {
            guard error.code == newer else { throw error.ledgerError(path: connection.path) }
            throw .unusable(
                "ledger \(connection.path) has schema \(error.attempted), and \(error.message): install the newer "
                    + "leave-albumd again, or restore a backup of this version")
        }
    }

    // Not a code of SQLite's.
    private static let newer: Int32 = -1
}
