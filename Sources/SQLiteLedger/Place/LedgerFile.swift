import CLinux
import CSQLite
import Clocks
import Glibc
import Ledger

/// Where a ledger is and how its writer opens it: the same each time, at the start and after a trouble.
struct LedgerFile: Sendable {
    let path: String
    let durability: EmbeddedLedger.Durability
    /// Whose migration it is, should there be one.
    var program = "leave-albumd"
    /// How often the writer looks whether the file is where it was.
    var checkInterval = PlaceWatch.interval
    /// Called on each connection that is opened; a test makes a disk full or read-only with it.
    var onOpen: @Sendable (SQLiteConnection) throws(SQLiteFault) -> Void = { _ in }

    /// Brings the file, which is there and may be empty, to the current schema, and closes it again.
    func prepare(at now: Timestamp) throws(LedgerError) {
        try Self.requireNoLogBesideNothing(path)
        let connection: SQLiteConnection
        do throws(SQLiteFault) {
            connection = try open(nil)
            // A step that writes a large file anew keeps half as much again to be undone, which memory may not have.
            CSQLite_keep_temporary_files(LedgerDisk.directory(of: path))
            try connection.execute("PRAGMA temp_store = FILE")
        } catch {
            throw error.ledgerError(path: path)
        }
        let before = try LedgerSchema.migrate(connection, program: program)
        do throws(SQLiteFault) {
            try MoveMark.removeLeaving(from: connection)
            if before == 0 { try SQLiteRows(connection: connection).setMeta(.created, to: now) }
        } catch {
            throw error.ledgerError(path: path)
        }
    }

    /// Of the file of that name, links followed; nil if there is none.
    private static func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Whether there is a file that can hold anything. One of zero bytes is what a start that was killed leaves, or a
    /// full disk, or a slip of the shell: no ledger.
    static func exists(_ path: String) -> Bool { size(path) ?? 0 > 0 }

    /// A log that is left is from a writer that did not close: it was killed, or lost power.
    var hasLogLeft: Bool { Self.logBytes(path) > 0 }

    static func logBytes(_ path: String) -> Int { size(LedgerFiles.resolved(path) + "-wal") ?? 0 }

    /// Throws for a file of zero bytes that has a log: SQLite writes the file first, so it was emptied since, and
    /// opening it would remove the log, which is what is left of the ledger.
    static func requireNoLogBesideNothing(_ path: String) throws(LedgerError) {
        guard size(path) == 0, logBytes(path) > 0 else { return }
        throw .unusable(
            "ledger \(path) has zero bytes, and a log that is not empty: somebody emptied it; stop the daemon and run "
                + "`ledger restore` with a backup")
    }

    /// - Parameter identity: of the file that it has to be. Another one is not touched: it may have come to that name just
    ///   now.
    func open(_ identity: FileIdentity?) throws(SQLiteFault) -> SQLiteConnection {
        // Never one that is new: it would be without a lock, and look like a ledger that knows of no job.
        let connection = try SQLiteConnection(path: path, mode: .existing)
        if let difference = LedgerFiles(path: path, closed: identity).difference {
            throw SQLiteFault(code: SQLITE_CANTOPEN, attempted: "opening \(path)", message: difference)
        }
        // Reads answer while a commit of this process is under way, and readers of others never wait.
        // https://sqlite.org/wal.html
        try connection.execute("PRAGMA journal_mode = WAL")
        // https://sqlite.org/pragma.html#pragma_synchronous
        try connection.execute("PRAGMA synchronous = \(durability.rawValue)")
        // For a migration; the writer has a plan of its own.
        // https://sqlite.org/pragma.html#pragma_wal_autocheckpoint
        try connection.execute("PRAGMA wal_autocheckpoint = \(CheckpointPolicy.longEnough)")
        // After a long reader has kept the log from being reused, it shrinks to this again.
        // https://sqlite.org/pragma.html#pragma_journal_size_limit
        try connection.execute("PRAGMA journal_size_limit = 67108864")
        // 1 MiB of pages: the ends of the tables, which the jobs under way change, and the upper levels of the index by
        // which jobs are found.
        // https://sqlite.org/pragma.html#pragma_cache_size
        try connection.execute("PRAGMA cache_size = -1024")
        // Sorting and savepoints need no file of their own: the service may write to its state directory only.
        // https://sqlite.org/pragma.html#pragma_temp_store
        try connection.execute("PRAGMA temp_store = MEMORY")
        // Check pages when they are read, so that damage is not noticed only at the write.
        // https://sqlite.org/pragma.html#pragma_cell_size_check
        try connection.execute("PRAGMA cell_size_check = ON")
        // Deleted rows are overwritten, not only unlinked: `forget` must leave nothing behind.
        // https://sqlite.org/pragma.html#pragma_secure_delete
        try connection.execute("PRAGMA secure_delete = ON")
        try onOpen(connection)
        return connection
    }
}
