import CSQLite
import Concurrency
import Ledger

/// A refusal of SQLite: its extended code, its words and what was attempted.
struct SQLiteFault: Error, Equatable, Sendable, CustomStringConvertible {
    let code: Int32
    let attempted: String
    let message: String

    var primaryCode: Int32 { code & 0xff }

    var description: String { "\(attempted): \(message) (SQLite \(code))" }

    /// The file is not, or no more, what it should be: waiting does not help.
    var isDamage: Bool { primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB }

    /// The statement or its values are at fault, not the file: other operations of the same commit may still succeed.
    /// https://sqlite.org/rescode.html
    var isOfOneOperation: Bool {
        switch primaryCode {
        case SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG, SQLITE_RANGE, SQLITE_MISUSE: true
        default: false
        }
    }

    /// The same, met in the course of something larger than a statement.
    func during(_ attempted: String) -> SQLiteFault {
        SQLiteFault(code: code, attempted: attempted, message: message)
    }

    /// `shortage`: whether a descriptor was all that was missing, which SQLite takes for a file that cannot be opened.
    func ledgerError(path: String, shortage: DescriptorShortage? = .now()) -> LedgerError {
        if isDamage {
            return .unusable(
                "ledger \(path) is damaged: \(self); stop the daemon and run `ledger restore` with a backup")
        }
        if isOfOneOperation { return .unusable("ledger \(path): \(self); run `ledger verify`") }
        if let shortage, primaryCode == SQLITE_CANTOPEN || primaryCode == SQLITE_IOERR {
            return .unavailable("ledger \(path) cannot be used: \(self); \(shortage), and it goes on by itself")
        }
        let advice =
            switch primaryCode {
            case SQLITE_FULL: "make room on its disk"
            case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN: "make the file and its directory writable"
            case SQLITE_BUSY, SQLITE_LOCKED: "another program has it locked; end that program"
            default: "look at the disk"
            }
        return .unavailable("ledger \(path) cannot be used: \(self); \(advice), and it goes on by itself")
    }
}
