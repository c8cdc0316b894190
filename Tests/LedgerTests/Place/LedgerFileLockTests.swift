import CLinux
import Clocks
import Concurrency
import Glibc
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// The lock on the ledger's file itself, and what may be a ledger at all.
@Suite(.timeLimit(.minutes(30))) struct LedgerFileLockTests {
    /// Runs a program that exits with its answer.
    private func exitCode(_ message: [String]) throws -> Int32 {
        var pid = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = message.map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        arguments.append(nil)
        let code = posix_spawn(&pid, message[0], nil, nil, &arguments, nil)
        try #require(code == 0, "\(message[0]) is part of the build environment")
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        return status >> 8 & 0xFF
    }

    /// 0 if another process can lock the file, 1 if it cannot.
    private func lockElsewhere(_ path: String) throws -> Int32 {
        try exitCode(["/usr/bin/flock", "--nonblock", "--conflict-exit-code", "1", path, "/usr/bin/true"])
    }

    /// Another process that asks SQLite's way for the exclusive lock that the last one to close a ledger asks for, so
    /// as to remove its log: 0 if it gets it.
    private func lockAsTheLastOneElsewhere(_ path: String) throws -> Int32 {
        try exitCode([
            "/usr/bin/python3", "-c",
            """
            import fcntl, struct, sys
            f = open(sys.argv[1], 'r+b')
            # The shared bytes of SQLite's lock: os.h, SHARED_FIRST and SHARED_SIZE.
            lock = struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0x40000002, 510, 0)
            try:
                fcntl.fcntl(f, fcntl.F_SETLK, lock)
            except OSError:
                sys.exit(1)
            """, path,
        ])
    }

    @Test func aHardLinkIsTheSameLedger() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.finished(Sample.arrival()))
        let other = folder.path + "/other"
        #expect(link(folder.ledger, other) == 0)
        #expect(try lockElsewhere(other) == 1, "another process is kept out by the file itself")
        #expect(try LedgerLock.take(ledger: other) == nil)
        #expect(throws: LedgerError.self) {
            let elsewhere = try #require(try LedgerLock.take(ledger: folder.path + "/none"))
            _ = try EmbeddedLedger(path: other, durability: .normal, lock: elsewhere)
        }
        // Trying has not cost SQLite its locks.
        #expect(try lockAsTheLastOneElsewhere(folder.ledger) == 1)
        try await ledger.record(Sample.finished(Sample.arrival("second")))
        await ledger.close(within: EmbeddedLedger.closeTime)
        #expect(try lockElsewhere(other) == 0)
        #expect(try LedgerLock.take(ledger: other) != nil)
    }

    @Test func anOlderProgramIsKeptOutByTheLockThatItKnows() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        #expect(try lockElsewhere(folder.ledger + ".lock") == 1)
        await ledger.close(within: EmbeddedLedger.closeTime)
        #expect(try lockElsewhere(folder.ledger + ".lock") == 0)
    }

    /// Readers, backups, checks and folds of the log come and go; SQLite's locks stay.
    @Test func nothingOfThisProcessDropsSQLitesLocks() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.finished(Sample.arrival()))
        #expect(try lockAsTheLastOneElsewhere(folder.ledger) == 1)
        _ = try await ledger.history(of: JobID("job-1"))
        _ = try await ledger.verify()
        try await ledger.backUp(to: folder.path + "/backup")
        _ = try await ledger.statistics()
        _ = try EmbeddedLedger.schema(path: folder.ledger)
        try EmbeddedLedger.checkVersion(path: folder.ledger, program: "leave-albumd")
        #expect(try EmbeddedLedger.exists(path: folder.ledger))
        #expect(try LedgerLock.take(ledger: folder.ledger) == nil)
        _ = LedgerLock.holder(ledger: folder.ledger)
        _ = try await ledger.forget(JobID("job-1"))
        #expect(try lockAsTheLastOneElsewhere(folder.ledger) == 1)
        await ledger.close(within: EmbeddedLedger.closeTime)
        #expect(try lockAsTheLastOneElsewhere(folder.ledger) == 0)
    }

    /// Whoever reads beside the ledger when it is closed keeps its lock: its descriptor closes after SQLite's last.
    @Test func theLockStaysUntilTheLastReaderHasClosed() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        let ledger = try EmbeddedLedger.opened(folder, lock: lock)
        let began = AsyncStream<Void>.makeStream()
        let gate = try Gate()
        let ended = AsyncStream<Void>.makeStream()
        _ = try NativeThread(name: "reader", detached: true) {
            lock.whileOpen {
                began.continuation.yield()
                gate.pass()
            }
            ended.continuation.yield()
        }
        var beginnings = began.stream.makeAsyncIterator()
        await beginnings.next()
        await ledger.close(within: EmbeddedLedger.closeTime)
        #expect(try lockElsewhere(folder.ledger) == 1)
        #expect(try LedgerLock.take(ledger: folder.ledger) == nil)
        gate.open()
        var ends = ended.stream.makeAsyncIterator()
        await ends.next()
        #expect(try lockElsewhere(folder.ledger) == 0)
        #expect(try LedgerLock.take(ledger: folder.ledger) != nil)
    }

    @Test func theLockMakesNoFileAndAStartLocksTheOneItMakes() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        #expect(access(folder.ledger, F_OK) != 0, "who is refused later leaves nothing behind")
        let ledger = try EmbeddedLedger.opened(folder, lock: lock)
        #expect(try lockElsewhere(folder.ledger) == 1)
        var status = stat()
        #expect(stat(folder.ledger, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aFileThatIsReplacedBetweenLockAndStartIsLockedAgain() async throws {
        let folder = TemporaryFolder()
        write([], to: folder.ledger)
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        write([], to: folder.path + "/other")
        #expect(rename(folder.path + "/other", folder.ledger) == 0)
        let ledger = try EmbeddedLedger.opened(folder, lock: lock)
        #expect(try lockElsewhere(folder.ledger) == 1, "the file that has the name now")
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func whatIsNoRegularFileIsRefused() throws {
        let folder = TemporaryFolder()
        #expect(mkfifo(folder.ledger, 0o600) == 0)
        #expect { _ = try LedgerLock.take(ledger: folder.ledger) } throws: {
            ($0 as? LedgerError)?.isUnusable == true && "\($0)".contains("no regular file")
        }
        #expect { _ = try LedgerLock.take(ledger: folder.path) } throws: {
            ($0 as? LedgerError)?.isUnusable == true && "\($0)".contains("no regular file")
        }
        unlink(folder.path + ".lock")
    }

    @Test func theHolderIsReadFromTheKernelsTable() throws {
        let folder = TemporaryFolder()
        write([], to: folder.ledger)
        let identity = try #require(FileIdentity(path: folder.ledger))
        let device = UInt64(identity.device)
        let (major, minor) = (device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00)
        let place = "\(String(major, radix: 16)):\(String(minor, radix: 16)):\(identity.number)"
        #expect(LockedFile.holder(in: "3: FLOCK  ADVISORY  WRITE 1234 \(place) 0 EOF", of: identity) == 1_234)
        #expect(LockedFile.holder(in: "3: POSIX  ADVISORY  WRITE 1234 \(place) 0 EOF", of: identity) == nil)
        #expect(LockedFile.holder(in: "3: FLOCK  ADVISORY  WRITE 1234 \(place)1 0 EOF", of: identity) == nil)
        #expect(LockedFile.holder(in: "3: FLOCK  ADVISORY  WRITE 0 \(place) 0 EOF", of: identity) == nil)
        #expect(LockedFile.holder(in: "", of: identity) == nil)
    }

    // MARK: What is no ledger

    @Test func zeroBytesAreNoLedger() async throws {
        let folder = TemporaryFolder()
        #expect(try !EmbeddedLedger.exists(path: folder.ledger))
        write([], to: folder.ledger)
        #expect(try !EmbeddedLedger.exists(path: folder.ledger))
        #expect(throws: LedgerError.self) { _ = try LedgerReader(path: folder.ledger) }
        // As a kill in the first moments leaves it: the file's first page, and no table.
        do {
            let connection = try SQLiteConnection(path: folder.ledger, mode: .existing)
            try connection.execute("PRAGMA journal_mode = WAL")
        }
        #expect(contents(of: folder.ledger).count > 0)
        #expect(try !EmbeddedLedger.exists(path: folder.ledger))
        let ledger = try EmbeddedLedger.opened(folder)
        await ledger.close(within: EmbeddedLedger.closeTime)
        #expect(try EmbeddedLedger.exists(path: folder.ledger))
    }

    /// SQLite would remove the log of an empty file, unread.
    @Test func anEmptiedFileBesideItsLogIsRefusedAndTheLogIsLeft() async throws {
        let folder = TemporaryFolder()
        write([], to: folder.ledger)
        write([UInt8](repeating: 7, count: 100), to: folder.ledger + "-wal")
        func isReported(_ body: () throws -> Void) -> Bool {
            do {
                try body()
                return false
            } catch {
                return (error as? LedgerError)?.isUnusable == true && "\(error)".contains("ledger restore")
            }
        }
        #expect(isReported { _ = try EmbeddedLedger.exists(path: folder.ledger) })
        #expect(isReported { _ = try EmbeddedLedger.opened(folder) })
        #expect(contents(of: folder.ledger + "-wal").count == 100)
        // The words' own command keeps it aside.
        let other = TemporaryFolder()
        await (try EmbeddedLedger.opened(other)).close(within: EmbeddedLedger.closeTime)
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        let callEnded = try #require(
            try LedgerBackup.restore(other.ledger, to: folder.ledger, lock: lock, at: Sample.start))
        #expect(contents(of: callEnded + "-wal").count == 100)
        #expect(try EmbeddedLedger.exists(path: folder.ledger))
    }

    // MARK: Where a ledger may be

    @Test(arguments: [
        (0x6969, "NFS"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB"), (0x6573_5546, "FUSE"), (0x0102_1997, "9P"),
        (0x00C3_6400, "Ceph"),
    ])
    func aFileSystemThatOthersShareIsRefused(kind: Int, name: String) throws {
        let folder = TemporaryFolder()
        #expect { _ = try LedgerLock.take(ledger: folder.ledger, fileSystem: { _ in kind }) } throws: {
            ($0 as? LedgerError)?.isUnusable == true && "\($0)".contains("(\(name))") && "\($0)".contains("local disk")
        }
        #expect(folder.names == [], "nothing was made there")
    }

    /// ext, XFS, Btrfs, ZFS, F2FS, tmpfs, overlay.
    @Test(arguments: [0xEF53, 0x5846_5342, 0x9123_683E, 0x2FC1_2FC1, 0xF2F5_2010, 0x0102_1994, 0x794C_7630])
    func aDiskOfThisHostIsFine(kind: Int) throws {
        let folder = TemporaryFolder()
        #expect(try LedgerLock.take(ledger: folder.ledger, fileSystem: { _ in kind }) != nil)
    }

    @Test func theKernelSaysTheKindAlsoOfAFileThatIsNotThereYet() {
        let folder = TemporaryFolder()
        let kind = LedgerFileSystem.kind(of: folder.ledger)
        #expect(kind != nil)
        #expect(kind == LedgerFileSystem.kind(of: folder.path))
        #expect(LedgerFileSystem.kind(of: "/proc/self/stat") == 0x9FA0)
    }

    // MARK: Backups

    @Test(arguments: ["", "-wal", "-shm", ".lock", "-link", "/../HERE/ledger.sqlite3"])
    func aBackupOverTheLedgersOwnFilesIsRefused(suffix: String) async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.finished(Sample.arrival()))
        #expect(link(folder.ledger, folder.ledger + "-link") == 0)
        let last = folder.path.split(separator: "/").last.map(String.init) ?? ""
        let target =
            suffix.hasPrefix("/")
            ? folder.path + suffix.replacing("HERE", with: last) : folder.ledger + suffix
        let before = folder.names
        await #expect { try await ledger.backUp(to: target) } throws: { "\($0)".contains("is the ledger itself") }
        #expect(folder.names == before)
        try await ledger.record(Sample.finished(Sample.arrival("second")))
        #expect(try await ledger.verify() == [])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }
}
