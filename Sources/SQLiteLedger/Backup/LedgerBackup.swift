import CLinux
import CSQLite
package import Clocks
import Concurrency
import Files
import Glibc
package import Ledger

/// Whole copies of a ledger file.
package enum LedgerBackup {
    /// Copies through SQLite's backup API into an `OutputFile` and checks that, so that a file by the target's name is
    /// always whole.
    static func copy(_ source: SQLiteConnection, to target: String) throws(LedgerError) {
        try refuseOwnFile(target, of: source.path)
        try copy(source.handle, to: target, checks: true)
    }

    /// The same for a connection that is lent, through its handle: nobody else may use it meanwhile.
    ///
    /// - Parameter checks: a copy that is not whole is thrown away. Not for the only copy that there will be.
    /// - Parameter onOpen: called on the connection to the copy; a test makes its disk full with it.
    static func copy(
        _ source: OpaquePointer, to target: String, checks: Bool,
        onOpen: (SQLiteConnection) throws(SQLiteFault) -> Void = { _ in }
    ) throws(LedgerError) {
        let file: OutputFile
        do throws(OutputFile.Failure) {
            file = try OutputFile(target)
        } catch {
            throw .unavailable(error)
        }
        do throws(SQLiteFault) {
            try fill(file.unfinished, from: source, onOpen)
        } catch {
            throw error.ledgerError(path: file.unfinished)
        }
        if checks { try check(file.unfinished) }
        do throws(OutputFile.Failure) {
            try file.publish()
        } catch {
            throw .unavailable(error)
        }
    }

    /// A backup by one of the ledger's own names would take its place, and the daemon would go on with what has none.
    private static func refuseOwnFile(_ target: String, of path: String) throws(LedgerError) {
        let place = LedgerFiles.resolved(path)
        let names = ["", "-wal", "-shm", "-journal", ".lock"].map { place + $0 }
        let identities = (names + [path]).compactMap(FileIdentity.init(path:))
        for name in [target, target + ".part"] {
            let found = FileIdentity(path: name)
            // One that is not there yet has the name of its directory's links, resolved.
            let directory = LedgerFiles.resolved(LedgerDisk.directory(of: name))
            let last = name.split(separator: "/").last.map(String.init) ?? ""
            let isOwn = found.map(identities.contains) ?? names.contains("\(directory)/\(last)")
            guard !isOwn else {
                throw .unusable("\(target) is the ledger itself, or one of its files: name another file")
            }
        }
    }

    private static func fill(
        _ part: String, from source: OpaquePointer, _ onOpen: (SQLiteConnection) throws(SQLiteFault) -> Void
    ) throws(SQLiteFault) {
        let destination = try SQLiteConnection(path: part, mode: .readWrite)
        try onOpen(destination)
        // https://sqlite.org/backup.html
        guard let backup = sqlite3_backup_init(destination.handle, "main", source, "main") else {
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
    package static func restore(
        _ backup: String, to name: String, lock: LedgerLock, at now: Timestamp
    ) throws(LedgerError) -> String? {
        try withExtendedLifetime(lock) { () throws(LedgerError) -> String? in
            // Where the log is, which has to go with the file.
            let path = LedgerFiles.resolved(name)
            undoWhatWasCutOff(backup)
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
            let setAside = try keepAside(path, at: now)
            guard rename(restored, path) == 0 else { throw ioFailure("renaming \(restored) to \(path)") }
            try flush(LedgerDisk.directory(of: path))
            return setAside
        }
    }

    /// A copy that a daemon saved of a displaced ledger takes records for as long as that daemon runs; killed in the
    /// middle of one, it left a journal, which whoever only reads cannot undo. What is amiss else is said by the check.
    private static func undoWhatWasCutOff(_ backup: String) {
        guard access(backup + "-journal", F_OK) == 0 else { return }
        _ = try? SQLiteConnection(path: backup, mode: .existing).integer("PRAGMA user_version")
    }

    /// Who restores or makes a ledger as root does so for the daemon: the new file is whose the old one was, or the directory is.
    static func giveToOwner(_ restored: String, of path: String) throws(LedgerError) {
        guard geteuid() == 0 else { return }
        var owner = stat()
        guard stat(path, &owner) == 0 || stat(LedgerDisk.directory(of: path), &owner) == 0 else { return }
        guard chown(restored, owner.st_uid, owner.st_gid) == 0 else {
            throw ioFailure("giving \(restored) to its owner")
        }
    }

    /// Gives the ledger a second name. Its log must go first: SQLite would play it into whatever has the ledger's name.
    private static func keepAside(_ path: String, at now: Timestamp) throws(LedgerError) -> String? {
        let setAside = "\(path).before-restore-\(now.milliseconds / 1000)"
        // A whole ledger takes its log in; a damaged one cannot, and keeps it beside. A file of zero bytes would have
        // its log removed.
        if LedgerFile.exists(path), let old = try? SQLiteConnection(path: path, mode: .existing) {
            try? old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        }
        for suffix in ["-wal", "-shm"] where access(path + suffix, F_OK) == 0 {
            guard rename(path + suffix, setAside + suffix) == 0 else { throw ioFailure("renaming \(path + suffix)") }
        }
        guard access(path, F_OK) == 0 else { return nil }
        guard link(path, setAside) == 0 else { throw ioFailure("linking \(path) to \(setAside)") }
        return setAside
    }

    static func flush(_ path: String) throws(LedgerError) {
        let descriptor = CLinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw ioFailure("opening \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw ioFailure("flushing \(path)") }
    }

    /// Takes errno, so it must be made directly after the call.
    static func ioFailure(_ attempted: String) -> LedgerError {
        .unavailable(.systemCall(SystemCallError(attempted)))
    }
}

extension LedgerError {
    static func unavailable(_ failure: OutputFile.Failure) -> LedgerError {
        switch failure {
        case .refused(let text): .unavailable(text)
        case .systemCall(let error):
            .unavailable("\(error); \(error.advice("make room there, or make it writable")), and try again")
        }
    }
}
