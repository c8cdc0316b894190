import Ledger

/// The tables, and how a file of an older version becomes one of this.
enum LedgerSchema {
    /// Says that an SQLite file is a ledger of this program: "LALB".
    /// https://sqlite.org/pragma.html#pragma_application_id
    static let applicationID = 0x4C41_4C42

    /// Steps, in order: the n-th makes version n of version n - 1. A step that was released is never changed.
    ///
    /// Identities are blobs, because they are compared as bytes. Times are milliseconds since 1970. `jobs` has the
    /// newest generation of each job, `results` one row per generation that ended. A job's number is the order of its
    /// coming, and all that is kept of it lies by that number: what the jobs of a commit change is at the end of each
    /// table, however large it is, and only the look-up by id is somewhere in the middle. `tally` is kept by each
    /// transaction, so that counting the jobs is not a scan of all of them; `ever` never falls, so that a ledger that
    /// was pruned empty can be told from one that was lost.
    static let migrations: [String] = [
        """
        PRAGMA application_id = \(applicationID);
        CREATE TABLE jobs (
            job_id BLOB PRIMARY KEY,
            account BLOB NOT NULL,
            token_sha256 BLOB NOT NULL CHECK (length(token_sha256) = 32),
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
            letter_published INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            revision INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX jobs_due ON jobs (due) WHERE due IS NOT NULL;
        CREATE INDEX jobs_open ON jobs (ambiguous, intent) WHERE finished = 0;
        CREATE INDEX jobs_letter ON jobs (job_id) WHERE finished = 1 AND letter_published = 0;
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
            published INTEGER NOT NULL,
            PRIMARY KEY (job_id, generation)
        ) WITHOUT ROWID;
        CREATE INDEX results_owed ON results (job_id, generation) WHERE published = 0;
        CREATE INDEX results_completed ON results (completed, job_id, generation);
        CREATE TABLE history (
            job_id BLOB NOT NULL,
            number INTEGER NOT NULL,
            at INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            kind TEXT NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (job_id, number)
        ) WITHOUT ROWID;
        CREATE TABLE days (day TEXT PRIMARY KEY, calls INTEGER NOT NULL, probes INTEGER NOT NULL, at INTEGER NOT NULL)
            WITHOUT ROWID;
        CREATE TABLE holds (
            cause TEXT NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER,
            detail TEXT NOT NULL,
            PRIMARY KEY (since, cause)
        ) WITHOUT ROWID;
        CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE probe (bytes BLOB NOT NULL);
        CREATE TABLE tally (entries INTEGER NOT NULL, ever INTEGER NOT NULL);
        INSERT INTO tally VALUES (0, 0);
        CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN
            UPDATE tally SET entries = entries + 1, ever = ever + 1;
        END;
        CREATE TRIGGER jobs_removed AFTER DELETE ON jobs BEGIN
            UPDATE tally SET entries = entries - 1;
        END;
        """,
        // Jobs that are to be cancelled should they come, or come back: forgotten when they end.
        "CREATE TABLE cancels (job_id BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;",
        // One change of `tally` in each transaction, instead of a trigger for each job and an index of the open ones.
        // What is unpublished is a table, so that a result is not written once more when it is published.
        """
        DROP TRIGGER jobs_added;
        DROP TRIGGER jobs_removed;
        ALTER TABLE tally ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE tally ADD COLUMN ambiguous INTEGER NOT NULL DEFAULT 0;
        UPDATE tally SET open = (SELECT count(*) FROM jobs WHERE finished = 0),
            ambiguous = (SELECT count(*) FROM jobs WHERE finished = 0 AND (ambiguous = 1 OR intent = 1));
        DROP INDEX jobs_open;
        CREATE TABLE owed (job_id BLOB NOT NULL, generation INTEGER NOT NULL, PRIMARY KEY (job_id, generation))
            WITHOUT ROWID;
        INSERT INTO owed SELECT job_id, generation FROM results WHERE published = 0;
        UPDATE results SET published = 1 WHERE published = 0;
        DROP INDEX results_owed;
        """,
        // All that is kept of a job by its number instead of its id. What has an account is found by a scan, and what
        // may be pruned by its results: an index for each was one more page to write for each job.
        """
        DROP INDEX jobs_due;
        DROP INDEX jobs_letter;
        DROP INDEX jobs_account;
        DROP INDEX jobs_changed;
        DROP INDEX results_completed;
        ALTER TABLE jobs RENAME TO old_jobs;
        ALTER TABLE results RENAME TO old_results;
        ALTER TABLE history RENAME TO old_history;
        CREATE TABLE jobs (
            number INTEGER PRIMARY KEY,
            job_id BLOB NOT NULL,
            account BLOB NOT NULL,
            token_sha256 BLOB NOT NULL CHECK (length(token_sha256) = 32),
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
            letter_published INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            revision INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX jobs_id ON jobs (job_id);
        INSERT INTO jobs SELECT NULL, * FROM old_jobs ORDER BY job_id;
        CREATE INDEX jobs_due ON jobs (due) WHERE due IS NOT NULL;
        CREATE INDEX jobs_letter ON jobs (letter_published) WHERE finished = 1 AND letter_published = 0;
        CREATE TABLE results (
            job INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            message_id TEXT NOT NULL,
            outcome TEXT NOT NULL,
            reason TEXT,
            body BLOB NOT NULL,
            correlation_id TEXT,
            traceparent TEXT,
            tracestate TEXT,
            completed INTEGER NOT NULL,
            PRIMARY KEY (job, generation)
        ) WITHOUT ROWID;
        INSERT INTO results SELECT number, old_results.generation, message_id, outcome, reason, body, correlation_id,
            traceparent, tracestate, completed FROM old_results CROSS JOIN jobs USING (job_id)
            ORDER BY old_results.job_id, old_results.generation;
        CREATE INDEX results_completed ON results (completed);
        CREATE TABLE history (
            job INTEGER NOT NULL,
            line INTEGER NOT NULL,
            at INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            kind TEXT NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (job, line)
        ) WITHOUT ROWID;
        INSERT INTO history SELECT jobs.number, old_history.number, at, old_history.generation, kind, detail
            FROM old_history CROSS JOIN jobs USING (job_id) ORDER BY old_history.job_id, old_history.number;
        DELETE FROM owed WHERE NOT EXISTS (SELECT 1 FROM jobs JOIN results ON job = number
            WHERE jobs.job_id = owed.job_id AND results.generation = owed.generation);
        DROP TABLE old_jobs;
        DROP TABLE old_results;
        DROP TABLE old_history;
        """,
        // Of a job that came as an event, what its results echo and what belongs to its identity.
        "ALTER TABLE jobs ADD COLUMN event BLOB;",
    ]

    static var version: Int { migrations.count }

    /// The oldest version whose programs may work on a file of this one: a step that only adds what they can do without
    /// leaves the number as it was. Programs of version 3 know no numbers.
    static let compatibleWith = 4

    /// Brings the file to `steps.count`, each step in a transaction of its own. Returns the version it had. Throws for
    /// a file of a newer program, unless that says that it is compatible, and for one that is no ledger.
    ///
    /// - Parameters:
    ///   - program: name and version of the caller, which the file keeps.
    ///   - permitsMoved: see `check`.
    @discardableResult
    static func migrate(
        _ connection: SQLiteConnection, program: String = "leave-albumd", steps: [String] = migrations,
        compatibleWith: Int = compatibleWith, permitsMoved: Bool = false
    ) throws(LedgerError) -> Int {
        let found = try check(connection, program: program, newest: steps.count, permitsMoved: permitsMoved)
        var version = found
        do throws(SQLiteFault) {
            while version < steps.count {
                try connection.execute("BEGIN IMMEDIATE")
                do throws(SQLiteFault) {
                    do throws(SQLiteFault) {
                        try connection.execute(steps[version])
                    } catch {
                        throw error.during("bringing it to schema version \(version + 1)")
                    }
                    version += 1
                    try connection.execute("PRAGMA user_version = \(version)")
                    try LedgerOrigin(program: program, compatibleWith: version < steps.count ? version : compatibleWith)
                        .write(to: connection)
                    try connection.execute("COMMIT")
                } catch {
                    connection.rollBack()
                    throw error
                }
            }
        } catch {
            throw error.ledgerError(path: connection.path)
        }
        return found
    }

    /// The file's version; 0 for a file with nothing in it. It is above `newest` only for a file that says that
    /// programs of version `newest` may work on it.
    ///
    /// - Parameter permitsMoved: for whoever moves ledgers; others are refused one that was moved away, and one that has
    ///   not arrived.
    static func check(
        _ connection: SQLiteConnection, program: String = "leave-albumd", newest: Int = version,
        permitsMoved: Bool = false
    ) throws(LedgerError) -> Int {
        let (version, application, tables): (Int, Int, Int)
        do throws(SQLiteFault) {
            version = Int(try connection.integer("PRAGMA user_version"))
            application = Int(try connection.integer("PRAGMA application_id"))
            tables = Int(try connection.integer("SELECT count(*) FROM sqlite_schema"))
        } catch {
            throw error.ledgerError(path: connection.path)
        }
        guard application == applicationID || (version == 0 && application == 0 && tables == 0) else {
            throw .unusable("\(connection.path) is an SQLite file of another program: set ledger.path to another file")
        }
        if version > newest {
            let origin = LedgerOrigin.read(from: connection)
            guard let origin, origin.compatibleWith <= newest else {
                let maker = origin?.program ?? "a newer leave-albumd"
                throw .unusable(
                    "ledger \(connection.path) has schema version \(version), made by \(maker), and this \(program) "
                        + "knows versions up to \(newest): install \(maker) again, or restore a backup from before the "
                        + "upgrade")
            }
        }
        guard version > 0, !permitsMoved else { return version }
        let mark: MoveMark?
        do throws(SQLiteFault) {
            mark = try MoveMark.read(from: connection)
        } catch {
            throw error.ledgerError(path: connection.path)
        }
        if let refusal = mark?.refusal("ledger \(connection.path)") { throw .unusable(refusal) }
        return version
    }
}
