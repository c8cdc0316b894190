import Clocks
import Ledger

extension LedgerStatistics {
    private static let calling = SQL(
        "SELECT 1 FROM jobs WHERE number = ?1 AND finished = 0 AND intent = 1 AND ambiguous = 0")

    /// What is unpublished or overdue is counted by its index, and is little; of the jobs the file keeps the numbers.
    static func read(_ rows: SQLiteRows, at now: Timestamp) throws(SQLiteFault) -> LedgerStatistics {
        let connection = rows.connection
        func count(_ what: String) throws(SQLiteFault) -> Int {
            Int(try connection.integer("SELECT count(*) FROM \(what)"))
        }
        let tally = try connection.query("SELECT entries, open, ambiguous FROM tally") { row throws(SQLiteFault) in
            (entries: row.int(0), open: row.int(1), ambiguous: row.int(2))
        }.first
        let overdue = try connection.integer(
            "SELECT count(*) FROM jobs WHERE due IS NOT NULL AND due < ?1 AND copy_published = 1",
            bind: { $0.bind(1, now - LedgerRules.lateness) })
        var calling = 0
        for number in rows.claimed {
            calling += try connection.query(Self.calling, bind: { $0.bind(1, number) }) { $0.int(0) }.count
        }
        let pages = try connection.integer("PRAGMA page_count")
        let pageSize = try connection.integer("PRAGMA page_size")
        let logBytes = LedgerFile.logBytes(connection.path)
        let free = LedgerDisk.freeBytes(path: connection.path) ?? 0
        return LedgerStatistics(
            entries: tally?.entries ?? 0, open: tally?.open ?? 0, ambiguous: tally?.ambiguous ?? 0,
            calling: calling, unpublished: try count("owed"), overdue: Int(overdue),
            bytes: Int(pages * pageSize) + logBytes, diskFreeBytes: free,
            unpublishedDeadLetters: try count("jobs WHERE finished = 1 AND letter_published = 0"),
            createdAt: try rows.meta(.created), lastBackupAt: try rows.meta(.lastBackup))
    }
}
