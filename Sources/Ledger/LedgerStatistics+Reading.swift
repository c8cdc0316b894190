import CLinux
import Threads

extension LedgerStatistics {
    /// What is open or owed is counted by its index, and is little; all jobs are a number that the file keeps.
    static func read(_ rows: SQLiteRows, at now: Timestamp) throws(SQLiteFault) -> LedgerStatistics {
        let connection = rows.connection
        func count(_ what: String) throws(SQLiteFault) -> Int {
            Int(try connection.integer("SELECT count(*) FROM \(what)"))
        }
        let overdue = try connection.integer(
            "SELECT count(*) FROM jobs WHERE due IS NOT NULL AND due < ?1 AND copy_published = 1",
            bind: { $0.bind(1, now - LedgerRules.lateness) })
        let pages = try connection.integer("PRAGMA page_count")
        let pageSize = try connection.integer("PRAGMA page_size")
        var log = stat()
        let logBytes = stat(connection.path + "-wal", &log) == 0 ? Int(log.st_size) : 0
        let free = LedgerDisk.freeBytes(path: connection.path) ?? 0
        return LedgerStatistics(
            entries: Int(try connection.integer("SELECT entries FROM tally")),
            open: try count("jobs WHERE finished = 0"),
            ambiguous: try count("jobs WHERE finished = 0 AND (ambiguous = 1 OR intent = 1)"),
            unpublished: try count("results WHERE published = 0"), overdue: Int(overdue),
            bytes: Int(pages * pageSize) + logBytes, diskFreeBytes: free,
            unpublishedLetters: try count("jobs WHERE finished = 1 AND letter_published = 0"),
            createdAt: try rows.meta(.created), lastBackupAt: try rows.meta(.lastBackup))
    }
}
