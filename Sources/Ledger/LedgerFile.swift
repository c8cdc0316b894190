import CLinux
import CSQLite
import Glibc
import Threads

/// Where a ledger is and how its writer opens it: the same each time, at the start and after a trouble.
struct LedgerFile: Sendable {
    let path: String
    let durability: SQLiteLedger.Durability
    /// Whose migration it is, should there be one.
    var program = "leave-albumd"
    /// Called on each connection that is opened; a test makes a disk full or read-only with it.
    var onOpen: @Sendable (SQLiteConnection) throws(SQLiteFault) -> Void = { _ in }

    /// Makes the file if there is none, readable for its owner alone, because it names users and what they asked for:
    /// SQLite would leave that to the umask. Only before the first connection of this process: closing any descriptor
    /// of the file would drop the POSIX locks that SQLite holds on it.
    func create() throws(LedgerError) {
        let descriptor = CLinux_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            return
        }
        let code = CLinux_errno()
        guard code == EEXIST else {
            let error = SystemCallError("creating ledger \(path)", code: code)
            throw .unavailable("\(error); \(error.advice("make its directory writable for the daemon's user"))")
        }
    }

    /// Makes the file or brings it to the current schema, and closes it again.
    func prepare(at now: Timestamp) throws(LedgerError) {
        try create()
        let connection: SQLiteConnection
        do throws(SQLiteFault) {
            connection = try open()
            // A step that writes a large file anew keeps half as much again to be undone, which memory may not have.
            CSQLite_keep_temporary_files(LedgerDisk.directory(of: path))
            try connection.execute("PRAGMA temp_store = FILE")
        } catch {
            throw error.ledgerError(path: path)
        }
        guard try LedgerSchema.migrate(connection, program: program) == 0 else { return }
        do throws(SQLiteFault) {
            try SQLiteRows(connection: connection).setMeta(.created, to: now)
        } catch {
            throw error.ledgerError(path: path)
        }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// A log that is left is from a writer that did not close: it was killed, or lost power.
    var hasLogLeft: Bool {
        var log = stat()
        return stat(path + "-wal", &log) == 0 && log.st_size > 0
    }

    func open() throws(SQLiteFault) -> SQLiteConnection {
        let connection = try SQLiteConnection(path: path, mode: .readWrite)
        // Reads answer while a commit of this process is under way, and readers of others never wait.
        try connection.execute("PRAGMA journal_mode = WAL")
        try connection.execute("PRAGMA synchronous = \(durability.rawValue)")
        // For a migration; the writer has a plan of its own.
        try connection.execute("PRAGMA wal_autocheckpoint = \(FoldingPlan.longEnough)")
        // After a long reader has kept the log from being reused, it shrinks to this again.
        try connection.execute("PRAGMA journal_size_limit = 67108864")
        // 1 MiB of pages: the ends of the tables, which the jobs under way change, and the upper levels of the index by
        // which jobs are found.
        try connection.execute("PRAGMA cache_size = -1024")
        // Sorting and savepoints need no file of their own: the service may write to its state directory only.
        try connection.execute("PRAGMA temp_store = MEMORY")
        // A damaged page is noticed when it is read, not when it is written back.
        try connection.execute("PRAGMA cell_size_check = ON")
        // Who is forgotten or pruned is overwritten, not only unlinked.
        try connection.execute("PRAGMA secure_delete = ON")
        try onOpen(connection)
        return connection
    }
}
