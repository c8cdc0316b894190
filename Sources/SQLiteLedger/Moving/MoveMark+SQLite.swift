import Ledger

/// The mark of a move in a ledger's file, beside what else the file says of itself.
extension MoveMark {
    private static let name = "move"

    static func read(from connection: SQLiteConnection) throws(SQLiteFault) -> MoveMark? {
        try connection.query("SELECT value FROM meta WHERE name = ?1", bind: { $0.bind(1, name) }) {
            row throws(SQLiteFault) in row.text(0)
        }.first.flatMap { $0 }.flatMap(MoveMark.init(text:))
    }

    func write(to connection: SQLiteConnection) throws(SQLiteFault) {
        let statement = try connection.statement("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")
        statement.bind(1, Self.name).bind(2, text)
        try statement.run()
    }

    static func remove(from connection: SQLiteConnection) throws(SQLiteFault) {
        let statement = try connection.statement("DELETE FROM meta WHERE name = ?1")
        statement.bind(1, name)
        try statement.run()
    }

    /// Whoever works on a ledger that was being moved makes it another one than what has been copied of it.
    static func removeLeaving(from connection: SQLiteConnection) throws(SQLiteFault) {
        guard let mark = try read(from: connection), mark.state == .leaving else { return }
        try remove(from: connection)
    }
}
