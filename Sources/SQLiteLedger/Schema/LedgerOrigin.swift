/// What a ledger file says of the program that made its schema: for a program that finds a schema newer than its own.
struct LedgerOrigin: Equatable {
    /// Name and version: `leave-albumd 0.2.0`.
    let program: String
    /// Programs that know at least this version of the schema may read and write the file.
    let compatibleWith: Int

    // SQLite keeps a text in the column of integers as the text that it is, so that these need no table of their own.
    private static let programName = "schema_program"
    private static let compatibleName = "schema_compatible_with"

    /// In the transaction of the step that makes the schema.
    func write(to connection: SQLiteConnection) throws(SQLiteFault) {
        let statement = try connection.statement("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")
        statement.bind(1, Self.programName).bind(2, program)
        try statement.run()
        let second = try connection.statement("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")
        second.bind(1, Self.compatibleName).bind(2, compatibleWith)
        try second.run()
    }

    /// Nil for files from before it was written, and for what cannot be read: then nothing is known to be compatible.
    static func read(from connection: SQLiteConnection) -> LedgerOrigin? {
        let rows = try? connection.query(
            "SELECT name, value, typeof(value) FROM meta WHERE name IN (?1, ?2) ORDER BY name",
            bind: { $0.bind(1, compatibleName).bind(2, programName) }
        ) { row throws(SQLiteFault) in (text: row.text(1) ?? "", number: Int(row.integer(1)), type: row.text(2)) }
        guard let rows, rows.count == 2, rows[0].type == "integer" else { return nil }
        return LedgerOrigin(program: rows[1].text, compatibleWith: rows[0].number)
    }
}
