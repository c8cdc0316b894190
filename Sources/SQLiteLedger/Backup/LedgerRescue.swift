import CSQLite
import Clocks
import Concurrency
import Glibc
import Ledger

/// The saving of an open ledger whose files are not in their place any more, on a thread of its own: while a large one
/// is copied, the ledger's thread answers.
///
/// What is copied is what the open connection sees, its log included, whatever became of the names.
final class LedgerRescue: Sendable {
    private let thread: NativeThread
    private let outcome: Lock<Result<String, LedgerError>?>

    /// Copies `connection` to a file beside `place`, with `onOpen` as in `LedgerFile`, and calls `onEnd` on its own
    /// thread. Until `end` has returned, the connection is lent: nobody else uses it.
    init(
        _ connection: SQLiteConnection, beside place: String, at now: Timestamp,
        onOpen: @escaping @Sendable (SQLiteConnection) throws(SQLiteFault) -> Void,
        onEnd: @escaping @Sendable () -> Void
    ) throws(SystemCallError) {
        let outcome = Lock<Result<String, LedgerError>?>(nil)
        self.outcome = outcome
        // A pointer cannot be sent to a thread, and its address can: the rule above is what makes that right.
        let address = Int(bitPattern: connection.handle)
        let target = Self.name(beside: place, at: now)
        thread = try NativeThread(name: "ledger-rescue") {
            let result = Self.save(address, to: target, onOpen)
            outcome.withLock { $0 = result }
            onEnd()
        }
    }

    /// `….rescued-<seconds since 1970>`, or with a number where that is taken.
    private static func name(beside place: String, at now: Timestamp) -> String {
        let name = "\(place).rescued-\(now.milliseconds / 1000)"
        var (candidate, number) = (name, 1)
        while access(candidate, F_OK) == 0 {
            number += 1
            candidate = "\(name)-\(number)"
        }
        return candidate
    }

    private static func save(
        _ address: Int, to target: String, _ onOpen: (SQLiteConnection) throws(SQLiteFault) -> Void
    ) -> Result<String, LedgerError> {
        guard let handle = OpaquePointer(bitPattern: address) else {
            preconditionFailure("the handle of an open connection is not null")
        }
        do throws(LedgerError) {
            try LedgerBackup.copy(handle, to: target, checks: false, onOpen: onOpen)
        } catch {
            return .failure(error)
        }
        // SQLite would play a log that still has its name into whatever has the file's name by the next start. It is
        // the open file that takes it in, wherever that is now. https://sqlite.org/c3ref/wal_checkpoint_v2.html
        sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
        return .success(target)
    }

    /// Waits for the thread. Returns the copy's name.
    func end() -> Result<String, LedgerError> {
        thread.join()
        guard let result = outcome.withLock({ $0 }) else { preconditionFailure("the thread has ended with a result") }
        return result
    }
}
