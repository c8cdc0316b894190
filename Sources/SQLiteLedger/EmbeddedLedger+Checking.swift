import Glibc
package import Ledger

extension EmbeddedLedger {
    /// Whether there is a ledger at `path`: a file with tables in it. None of zero bytes, nor one of which a start that
    /// was killed made the first page only, remembers any call. Throws for one that was emptied or is of no use.
    package static func exists(path: String) throws(LedgerError) -> Bool {
        try LedgerFile.requireNoLogBesideNothing(path)
        guard let schema = try schema(path: path) else { return false }
        return schema.version > 0
    }

    /// Copies that daemons saved of a displaced ledger beside `path`, in the order of their names.
    package static func rescued(path: String) -> [String] {
        // Beside the name that it had, also if that has become a link since, and beside where it leads.
        Set([path, LedgerFiles.resolved(path)].flatMap(rescued(beside:))).sorted()
    }

    private static func rescued(beside place: String) -> [String] {
        let start = (place.split(separator: "/").last.map(String.init) ?? "") + ".rescued-"
        let directory = LedgerDisk.directory(of: place)
        guard let entries = opendir(directory) else { return [] }
        defer { closedir(entries) }
        var found: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name.hasPrefix(start), !name.hasSuffix(".part"), !name.hasSuffix("-journal") {
                found.append("\(directory)/\(name)")
            }
        }
        return found.sorted()
    }

    /// Throws if a ledger at `path` cannot be used by this program: of a newer schema, of another program, no ledger.
    /// None there is fine. It changes nothing and takes no lock, but call it before the process has opened the ledger.
    package static func checkVersion(path: String, program: String) throws(LedgerError) {
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
    package static var schemaVersion: Int { LedgerSchema.version }

    /// What the file at `path` says of its schema, also if this program cannot use it; nil if there is no file.
    package static func schema(path: String) throws(LedgerError) -> (version: Int, program: String?)? {
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
