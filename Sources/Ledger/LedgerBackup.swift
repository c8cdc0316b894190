import CLinux
import CSQLite
import Files
import Glibc
public import Threads

/// Whole copies of a ledger file.
public enum LedgerBackup {
    /// Copies through SQLite's backup API into an `OutputFile` and checks that, so that a file by the target's name is
    /// always whole.
    static func copy(_ source: SQLiteConnection, to target: String) throws(LedgerError) {
        let file: OutputFile
        do throws(OutputFile.Failure) {
            file = try OutputFile(target)
        } catch {
            throw .unavailable(error)
        }
        do throws(SQLiteFault) {
            try fill(file.unfinished, from: source)
        } catch {
            throw error.ledgerError(path: file.unfinished)
        }
        try check(file.unfinished)
        do throws(OutputFile.Failure) {
            try file.publish()
        } catch {
            throw .unavailable(error)
        }
    }

    private static func fill(_ part: String, from source: SQLiteConnection) throws(SQLiteFault) {
        let destination = try SQLiteConnection(path: part, mode: .readWrite)
        guard let backup = sqlite3_backup_init(destination.handle, "main", source.handle, "main") else {
            throw destination.fault("backing up to \(part)")
        }
        let stepped = sqlite3_backup_step(backup, -1)
        let finished = sqlite3_backup_finish(backup)
        guard stepped == SQLITE_DONE, finished == SQLITE_OK else { throw destination.fault("backing up to \(part)") }
        // The copy's header says WAL too; what is kept is to be one file.
        try destination.execute("PRAGMA journal_mode = DELETE")
    }

    private static func check(_ copy: String) throws(LedgerError) {
        // A backup from before an upgrade is good too: the daemon's start brings it up.
        let faults = try LedgerReader(path: copy).faults()
        guard faults.isEmpty else {
            throw .unusable("\(copy) is not whole (\(faults.joined(separator: "; "))); nothing was changed")
        }
    }

    /// Puts a backup in the ledger's place. The daemon must be stopped: the caller holds the ledger's `lock`. The file
    /// that was there is kept beside it; its name is returned.
    ///
    /// A crash in the middle leaves the old ledger or the new one by the ledger's name, never none: an absent ledger
    /// would be taken for a new one, and every open job be called again.
    public static func restore(
        _ backup: String, to path: String, lock: LedgerLock, at now: Timestamp
    ) throws(LedgerError) -> String? {
        try withExtendedLifetime(lock) { () throws(LedgerError) -> String? in
            let restored = path + ".restored"
            try check(backup)
            let source: SQLiteConnection
            do throws(SQLiteFault) {
                source = try SQLiteConnection(path: backup, mode: .readOnly)
            } catch {
                throw error.ledgerError(path: backup)
            }
            try copy(source, to: restored)
            try giveToOwner(restored, of: path)
            let kept = try keepAside(path, at: now)
            guard rename(restored, path) == 0 else { throw trouble("renaming \(restored) to \(path)") }
            try flush(LedgerDisk.directory(of: path))
            return kept
        }
    }

    /// Who restores as root restores for the daemon: the new file is whose the old one was, or the directory is.
    private static func giveToOwner(_ restored: String, of path: String) throws(LedgerError) {
        guard geteuid() == 0 else { return }
        var owner = stat()
        guard stat(path, &owner) == 0 || stat(LedgerDisk.directory(of: path), &owner) == 0 else { return }
        guard chown(restored, owner.st_uid, owner.st_gid) == 0 else { throw trouble("giving \(restored) to its owner") }
    }

    /// Gives the ledger a second name. Its log must go first: SQLite would play it into whatever has the ledger's name.
    private static func keepAside(_ path: String, at now: Timestamp) throws(LedgerError) -> String? {
        guard access(path, F_OK) == 0 else { return nil }
        let kept = "\(path).before-restore-\(now.milliseconds / 1000)"
        // A whole ledger takes its log in; a damaged one cannot, and keeps it beside.
        if let old = try? SQLiteConnection(path: path, mode: .readWrite) {
            try? old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        }
        for suffix in ["-wal", "-shm"] where access(path + suffix, F_OK) == 0 {
            guard rename(path + suffix, kept + suffix) == 0 else { throw trouble("renaming \(path + suffix)") }
        }
        guard link(path, kept) == 0 else { throw trouble("linking \(path) to \(kept)") }
        return kept
    }

    private static func flush(_ path: String) throws(LedgerError) {
        let descriptor = CLinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw trouble("opening \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw trouble("flushing \(path)") }
    }

    /// Takes errno, so it must be made directly after the call.
    private static func trouble(_ attempted: String) -> LedgerError {
        .unavailable(.trouble(SystemCallError(attempted)))
    }
}

extension LedgerError {
    fileprivate static func unavailable(_ failure: OutputFile.Failure) -> LedgerError {
        switch failure {
        case .refused(let text): .unavailable(text)
        case .trouble(let error):
            .unavailable("\(error); \(error.advice("make room there, or make it writable")), and try again")
        }
    }
}
