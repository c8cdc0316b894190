import CLinux
import CSQLite
import Glibc
public import Threads

/// Whole copies of a ledger file.
public enum LedgerBackup {
    /// Copies through SQLite's backup API into `<target>.part`, flushes it and renames it, so that a file by the
    /// target's name is always whole.
    static func copy(_ source: SQLiteConnection, to target: String) throws(SQLiteFault) {
        let part = target + ".part"
        unlink(part)
        let descriptor = CLinux_open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fault("creating \(part)") }
        close(descriptor)
        do throws(SQLiteFault) {
            let destination = try SQLiteConnection(path: part, mode: .readWrite)
            guard let backup = sqlite3_backup_init(destination.handle, "main", source.handle, "main") else {
                throw destination.fault("backing up to \(part)")
            }
            let stepped = sqlite3_backup_step(backup, -1)
            let finished = sqlite3_backup_finish(backup)
            guard stepped == SQLITE_DONE, finished == SQLITE_OK else {
                throw destination.fault("backing up to \(part)")
            }
            // The copy says WAL too; as a file to be kept it is one file.
            try destination.execute("PRAGMA journal_mode = DELETE")
        } catch {
            unlink(part)
            throw error
        }
        try flush(part)
        guard rename(part, target) == 0 else { throw fault("renaming \(part) to \(target)") }
        try flush(directory(of: target))
    }

    /// Puts a backup in the ledger's place. The daemon must be stopped: the caller holds `lock`. The file that was
    /// there is kept beside it; its name is returned.
    public static func restore(
        _ backup: String, to path: String, lock: LedgerLock, at now: Timestamp
    ) throws(LedgerError) -> String? {
        let reader = try LedgerReader(path: backup)
        let faults = try reader.faults()
        guard faults.isEmpty else {
            throw .unusable("backup \(backup) is not whole (\(faults.joined(separator: "; "))); nothing was changed")
        }
        do throws(SQLiteFault) {
            let source = try SQLiteConnection(path: backup, mode: .readOnly)
            let restored = path + ".restored"
            try copy(source, to: restored)
            var aside: String?
            if access(path, F_OK) == 0 {
                let kept = "\(path).before-restore-\(now.milliseconds / 1000)"
                for suffix in ["", "-wal", "-shm"] where access(path + suffix, F_OK) == 0 {
                    guard rename(path + suffix, kept + suffix) == 0 else { throw fault("renaming \(path + suffix)") }
                }
                aside = kept
            }
            guard rename(restored, path) == 0 else { throw fault("renaming \(restored) to \(path)") }
            try flush(directory(of: path))
            return aside
        } catch {
            throw error.ledgerError(path: path)
        }
    }

    private static func flush(_ path: String) throws(SQLiteFault) {
        let descriptor = CLinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw fault("opening \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw fault("flushing \(path)") }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func fault(_ attempted: String) -> SQLiteFault {
        let error = SystemCallError(attempted)
        return SQLiteFault(code: SQLITE_CANTOPEN, attempted: attempted, message: error.description)
    }
}
