import CSQLite
import Clocks
import Jobs
import Ledger

/// Jobs that are to end when they come. Each is a row of `cancels` under its id; one that ends whatever has been called
/// has a second row, under the id behind a byte that no id begins with, so that a program of an earlier version still
/// knows the first.
extension SQLiteRows {
    private static let cancelling = SQL(
        "INSERT INTO cancels (job_id, at) VALUES (?1, ?2) ON CONFLICT (job_id) DO NOTHING")
    private static let selectCancel = SQL("SELECT 1 FROM cancels WHERE job_id = ?1")
    private static let selectAnyCancel = SQL("SELECT 1 FROM cancels LIMIT 1")
    private static let forgettingCancel = SQL("DELETE FROM cancels WHERE job_id IN (?1, ?2)")
    private static let selectRedrive = SQL(
        "SELECT 1 FROM history WHERE job = ?1 AND generation = ?2 AND kind = 'redriven' LIMIT 1")

    /// `!`
    static let mark: UInt8 = 0x21

    private static func marked(_ id: JobID) -> [UInt8] { [mark] + id.utf8 }

    /// For the only writer of the file, before its first transaction: where nobody cancels, no job is looked up there.
    func learnOfCancels() throws(SQLiteFault) {
        let statement = try connection.statement(Self.selectAnyCancel)
        defer { statement.reset() }
        mayHaveCancels = try statement.step()
    }

    func cancel(_ id: JobID, _ cancellation: Cancellation, at now: Timestamp) throws(SQLiteFault) {
        mayHaveCancels = true
        let keys = cancellation == .always ? [id.utf8, Self.marked(id)] : [id.utf8]
        for key in keys {
            let insertion = try connection.statement(Self.cancelling)
            insertion.bind(1, key).bind(2, now)
            try insertion.run()
        }
    }

    func cancellation(of id: JobID) throws(SQLiteFault) -> Cancellation? {
        guard mayHaveCancels, try hasCancel(id.utf8) else { return nil }
        return try hasCancel(Self.marked(id)) ? .always : .beforeCall
    }

    private func hasCancel(_ key: [UInt8]) throws(SQLiteFault) -> Bool {
        let statement = try connection.statement(Self.selectCancel)
        defer { statement.reset() }
        statement.bind(1, key)
        return try statement.step()
    }

    func forgetCancel(_ id: JobID) throws(SQLiteFault) {
        guard mayHaveCancels else { return }
        let deletion = try connection.statement(Self.forgettingCancel)
        deletion.bind(1, id.utf8).bind(2, Self.marked(id))
        try deletion.run()
    }

    /// Whether an operator gave the row's generation out again: the next is on its way, and the ledger has not met it.
    func wasRedriven(_ row: LedgerRow) throws(SQLiteFault) -> Bool {
        let statement = try connection.statement(Self.selectRedrive)
        defer { statement.reset() }
        statement.bind(1, row.number).bind(2, row.generation)
        return try statement.step()
    }
}
