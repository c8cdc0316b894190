import CLinux
import Threads

extension LedgerStatistics {
    /// Counts what is open by its indexes; the number of entries is a count of the smallest index.
    static func read(
        _ connection: SQLiteConnection, path: String, at now: Timestamp
    ) throws(SQLiteFault) -> LedgerStatistics {
        let finished = Int(try connection.integer("SELECT count(*) FROM jobs WHERE finished = 1"))
        let open = Int(try connection.integer("SELECT count(*) FROM jobs WHERE finished = 0"))
        let ambiguous = Int(
            try connection.integer("SELECT count(*) FROM jobs WHERE finished = 0 AND (ambiguous = 1 OR intent = 1)"))
        let owed = Int(
            try connection.integer("SELECT count(*) FROM jobs WHERE finished = 1 AND result_published = 0"))
        let late = try connection.statement("SELECT count(*) FROM jobs WHERE due IS NOT NULL AND due < ?1")
        defer { late.reset() }
        late.bind(1, Timestamp(milliseconds: now.milliseconds - LedgerRules.lateness.milliseconds))
        let overdue = try late.step() ? late.int(0) : 0
        let pages = try connection.integer("PRAGMA page_count")
        let pageSize = try connection.integer("PRAGMA page_size")
        var disk = statvfs()
        let free = statvfs(path, &disk) == 0 ? Int(disk.f_bavail) * Int(disk.f_frsize) : 0
        return LedgerStatistics(
            entries: finished + open, open: open, ambiguous: ambiguous, unpublished: owed, overdue: overdue,
            bytes: Int(pages * pageSize), diskFreeBytes: free)
    }
}
