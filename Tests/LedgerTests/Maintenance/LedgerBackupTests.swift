import Clocks
import Glibc
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

@Suite(.timeLimit(.minutes(30))) struct LedgerBackupTests {
    @Test func aBackupBesideWorkIsWholePrivateAndKeepsItsMoment() async throws {
        let folder = TemporaryFolder()
        let clock = StoppedClock()
        let ledger = try EmbeddedLedger.opened(folder, clock: clock)
        try await ledger.record(Sample.finished(Sample.arrival("before")))
        let target = folder.path + "/backup"
        write(Array("an older backup".utf8), to: target)
        clock.advance(by: .seconds(7))
        try await ledger.backUp(to: target)
        try await ledger.record(Sample.finished(Sample.arrival("after")))
        #expect(try await ledger.statistics().lastBackupAt == Sample.start + .seconds(7))
        #expect(try await ledger.statistics().createdAt == Sample.start)
        let backup = try LedgerReader(path: target)
        #expect(try backup.faults() == [])
        #expect(try backup.history(of: JobID("before")) != nil)
        #expect(try backup.history(of: JobID("after")) == nil)
        var status = stat()
        #expect(stat(target, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(!folder.names.contains { $0.hasPrefix("backup") && $0 != "backup" })
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aBackupThatCannotBeWrittenLeavesTheOlderOne() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        await #expect { try await ledger.backUp(to: folder.path + "/none/backup") } throws: { error in
            (error as? LedgerError)?.isUnavailable == true && "\(error)".contains("/none/backup")
        }
        #expect(try await ledger.statistics().lastBackupAt == nil)
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aBackupOntoWhatIsNoFileIsRefusedAndReplacesNothing() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        let target = folder.path + "/backup"
        #expect(symlink("elsewhere", target) == 0)
        await #expect { try await ledger.backUp(to: target) } throws: { "\($0)".contains("symbolic link") }
        var status = stat()
        #expect(lstat(target, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(try await ledger.statistics().lastBackupAt == nil)
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aRestoredLedgerIsTheBackupAndTheOldFileIsKept() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        let backup = folder.path + "/backup"
        do {
            let ledger = try EmbeddedLedger.opened(folder, lock: lock)
            try await ledger.record(Sample.finished(Sample.arrival("before")))
            try await ledger.backUp(to: backup)
            try await ledger.record(Sample.finished(Sample.arrival("after")))
            await ledger.close(within: EmbeddedLedger.closeTime)
        }
        // A log that the old daemon left must not be played into the new file.
        write([UInt8](repeating: 1, count: 8_192), to: folder.ledger + "-wal")
        let setAside = try #require(
            try LedgerBackup.restore(backup, to: folder.ledger, lock: lock, at: Sample.start))
        let ledger = try EmbeddedLedger.opened(folder, lock: lock)
        #expect(!ledger.wasStoppedUncleanly)
        #expect(try await ledger.history(of: JobID("before")) != nil)
        #expect(try await ledger.history(of: JobID("after")) == nil)
        #expect(try await ledger.verify() == [])
        await ledger.close(within: EmbeddedLedger.closeTime)
        #expect(try LedgerReader(path: setAside).history(of: JobID("after")) != nil)
    }

    /// Only root can give a file away, and only root needs to.
    @Test(.enabled(if: geteuid() == 0)) func whoRestoresAsRootRestoresForTheLedgersOwner() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        let backup = folder.path + "/backup"
        do {
            let ledger = try EmbeddedLedger.opened(folder, lock: lock)
            try await ledger.backUp(to: backup)
            await ledger.close(within: EmbeddedLedger.closeTime)
        }
        #expect(chown(folder.ledger, 12_345, 23_456) == 0)
        _ = try LedgerBackup.restore(backup, to: folder.ledger, lock: lock, at: Sample.start)
        var owner = stat()
        #expect(stat(folder.ledger, &owner) == 0)
        #expect(owner.st_uid == 12_345 && owner.st_gid == 23_456)
        #expect(owner.st_mode & 0o777 == 0o600)
        // A new machine: there is no ledger yet, but there is its directory.
        #expect(unlink(folder.ledger) == 0)
        #expect(chown(folder.path, 34_567, 45_678) == 0)
        _ = try LedgerBackup.restore(backup, to: folder.ledger, lock: lock, at: Sample.start)
        #expect(stat(folder.ledger, &owner) == 0)
        #expect(owner.st_uid == 34_567 && owner.st_gid == 45_678)
    }

    @Test func aDamagedLedgerIsReplacedToo() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        let backup = folder.path + "/backup"
        do {
            let ledger = try EmbeddedLedger.opened(folder, lock: lock)
            try await ledger.record(Sample.finished(Sample.arrival("before")))
            try await ledger.backUp(to: backup)
            await ledger.close(within: EmbeddedLedger.closeTime)
        }
        write([UInt8](repeating: 0xA5, count: 4_096), to: folder.ledger)
        #expect(throws: LedgerError.self) { _ = try EmbeddedLedger.opened(folder, lock: lock) }
        _ = try LedgerBackup.restore(backup, to: folder.ledger, lock: lock, at: Sample.start)
        let ledger = try EmbeddedLedger.opened(folder, lock: lock)
        #expect(try await ledger.history(of: JobID("before")) != nil)
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aDamagedBackupChangesNothing() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        let backup = folder.path + "/backup"
        let ledger = try EmbeddedLedger.opened(folder, lock: lock)
        for number in 0..<200 { try await ledger.record(Sample.finished(Sample.arrival("job-\(number)"))) }
        try await ledger.backUp(to: backup)
        await ledger.close(within: EmbeddedLedger.closeTime)
        let before = contents(of: folder.ledger)
        let size = contents(of: backup).count
        write([UInt8](repeating: 0xA5, count: 2_000), to: backup, at: size / 2 / 4_096 * 4_096)
        #expect { _ = try LedgerBackup.restore(backup, to: folder.ledger, lock: lock, at: Sample.start) } throws: {
            ($0 as? LedgerError)?.isUnusable == true
        }
        #expect(contents(of: folder.ledger) == before)
        #expect(!folder.names.contains { $0.contains("before-restore") || $0.contains("restored") })
    }
}
