extension SQLiteLedger {
    /// Throws if a ledger at `path` cannot be used by this program: of a newer schema, of another program, no ledger.
    /// None there is fine. It changes nothing and takes no lock, but call it before the process has opened the ledger.
    public static func checkVersion(path: String, program: String) throws(LedgerError) {
        guard LedgerFile.exists(path) else { return }
        let connection: SQLiteConnection
        do throws(SQLiteFault) {
            connection = try SQLiteConnection(path: path, mode: .readOnly)
        } catch {
            throw error.ledgerError(path: path)
        }
        _ = try LedgerSchema.check(connection, program: program)
    }

    /// The newest schema that this program knows.
    public static var schemaVersion: Int { LedgerSchema.version }

    /// What the file at `path` says of its schema, also if this program cannot use it; nil if there is no file.
    public static func schema(path: String) throws(LedgerError) -> (version: Int, program: String?)? {
        guard LedgerFile.exists(path) else { return nil }
        do throws(SQLiteFault) {
            let connection = try SQLiteConnection(path: path, mode: .readOnly)
            let version = Int(try connection.integer("PRAGMA user_version"))
            return (version, LedgerOrigin.read(from: connection)?.program)
        } catch {
            throw error.ledgerError(path: path)
        }
    }
}
