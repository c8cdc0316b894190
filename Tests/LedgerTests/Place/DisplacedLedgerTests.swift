import Clocks
import Concurrency
import Glibc
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// The files of an open ledger are moved, removed, replaced: real files, and what SQLite does about them.
@Suite(.timeLimit(.minutes(30))) struct DisplacedLedgerTests {
    private struct Stage: ~Copyable {
        let folder = TemporaryFolder()
        let health = HealthLog()
        let ledger: EmbeddedLedger

        init(onOpen: @escaping @Sendable (SQLiteConnection) throws(SQLiteFault) -> Void = { _ in }) throws {
            let health = health
            ledger = try EmbeddedLedger.opened(
                folder, onOpen: onOpen, onHealth: { health.reported($0) }, checkInterval: .milliseconds(10))
        }

        /// The words of the next trouble.
        func problem() async throws -> String {
            guard case .unavailable(.unavailable(let text)) = await health.next() else {
                Issue.record("no trouble was told")
                return ""
            }
            return text
        }

        var rescued: [String] { EmbeddedLedger.rescued(path: folder.ledger) }

        func rename(_ name: String, to other: String) {
            #expect(Glibc.rename("\(folder.path)/\(name)", "\(folder.path)/\(other)") == 0)
        }

        func close() async -> Int { await ledger.close(within: EmbeddedLedger.closeTime) }

        /// What an operator does who follows the words.
        func restore() async throws -> LedgerReader {
            let copy = try #require(rescued.first)
            let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
            _ = try LedgerBackup.restore(copy, to: folder.ledger, lock: lock, at: Sample.start)
            let reader = try LedgerReader(path: folder.ledger)
            #expect(try reader.faults() == [])
            return reader
        }
    }

    private static func isRefused(_ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return false
        } catch let error as LedgerError {
            return error.isUnavailable && error.description.contains("not the one on the disk any more")
        } catch {
            return false
        }
    }

    private enum Mishap: CaseIterable {
        case movedAway, removed, replacedByABackup, logRemoved, logReplaced, indexRemoved, emptiedAnew, linked

        var word: String {
            switch self {
            case .movedAway, .removed, .logRemoved, .indexRemoved: "is gone"
            case .replacedByABackup, .logReplaced, .emptiedAnew: "another file is now"
            case .linked: "leads to"
            }
        }

        func happen(in folder: TemporaryFolder, backup: String) {
            switch self {
            case .movedAway: #expect(rename(folder.ledger, folder.path + "/moved") == 0)
            case .removed: #expect(unlink(folder.ledger) == 0)
            case .replacedByABackup: #expect(rename(backup, folder.ledger) == 0)
            case .logRemoved: #expect(unlink(folder.ledger + "-wal") == 0)
            case .logReplaced:
                write([1, 2, 3], to: folder.path + "/foreign")
                #expect(rename(folder.path + "/foreign", folder.ledger + "-wal") == 0)
            case .indexRemoved: #expect(unlink(folder.ledger + "-shm") == 0)
            case .linked:
                // To another disk, as it may be: the next opener finds no log there.
                #expect(rename(folder.ledger, folder.path + "/moved") == 0)
                #expect(symlink("moved", folder.ledger) == 0)
            case .emptiedAnew:
                #expect(unlink(folder.ledger) == 0)
                write([], to: folder.ledger)
            }
        }
    }

    @Test(arguments: Mishap.allCases)
    private func whatWasCommittedIsSavedAndNothingBeginsAndARestoreHasItAll(mishap: Mishap) async throws {
        let stage = try Stage()
        let (folder, ledger) = (stage.folder, stage.ledger)
        try await ledger.record(Sample.finished(Sample.arrival("before")))
        let backup = folder.path + "/backup"
        try await ledger.backUp(to: backup)
        // After the backup, and in the log alone.
        try await ledger.record(Sample.finished(Sample.arrival("after")))
        _ = try await ledger.claim(Sample.claim(Sample.arrival("calling")))
        mishap.happen(in: folder, backup: backup)

        let message = try await stage.problem()
        #expect(message.contains(mishap.word), "\(message)")
        #expect(message.contains("leave-albumd ledger restore \(stage.rescued.first ?? "none")"), "\(message)")
        #expect(stage.rescued.count == 1, "before the hold, and once")
        #expect(await Self.isRefused { _ = try await ledger.lookUp(Sample.arrival("new"), at: Sample.start) })
        #expect(await Self.isRefused { _ = try await ledger.claim(Sample.claim(Sample.arrival("new"))) })
        #expect(await Self.isRefused { _ = try await ledger.statistics() })
        #expect(
            await Self.isRefused { _ = try await ledger.history(of: JobID("before")) }, "nor is read what lies there")
        #expect(await Self.isRefused { try await ledger.backUp(to: folder.path + "/second") })
        #expect(await Self.isRefused { _ = try await ledger.forget(JobID("before")) })

        // The job that was in hand ends, and its record counts.
        try await ledger.record(Sample.finished(Sample.arrival("calling")))
        #expect(await stage.close() == 0)
        #expect(stage.rescued.count == 1)
        let reader = try await stage.restore()
        for id in ["before", "after", "calling"] {
            let history = try reader.history(of: JobID(id))
            guard case .finished = history?.state else {
                Issue.record("\(id) is lost: \(String(describing: history))")
                continue
            }
        }
        #expect(try reader.history(of: JobID("new")) == nil)
    }

    @Test func theSameFileUnderItsNameAgainLiftsIt() async throws {
        let stage = try Stage()
        let ledger = stage.ledger
        try await ledger.record(Sample.finished(Sample.arrival("before")))
        stage.rename("ledger.sqlite3", to: "moved")
        _ = try await stage.problem()
        try await ledger.record(Sample.finished(Sample.arrival("meanwhile")))
        // Somebody started something that made a file of that name, and removes it again.
        write([], to: stage.folder.ledger)
        stage.rename("moved", to: "ledger.sqlite3")
        #expect(await stage.health.next() == .available)
        guard case .finished = try await ledger.lookUp(Sample.arrival("meanwhile"), at: Sample.start) else {
            Issue.record("the record is in the file that came back")
            return
        }
        #expect(try await ledger.claim(Sample.claim(Sample.arrival("new"))) == .claimed(Sample.open()))
        #expect(try await ledger.verify() == [])
        #expect(stage.rescued.count == 1, "it stays for whoever wants it")
        // A second time is a second difference.
        stage.rename("ledger.sqlite3", to: "moved")
        #expect(try await stage.problem().contains(stage.rescued.last ?? "none"))
        #expect(stage.rescued.count == 2)
        #expect(await stage.close() == 0)
    }

    @Test func allThreeFilesMovedAndPutBackLiftItToo() async throws {
        let stage = try Stage()
        try await stage.ledger.record(Sample.finished(Sample.arrival("before")))
        for suffix in ["", "-wal", "-shm"] { stage.rename("ledger.sqlite3\(suffix)", to: "moved\(suffix)") }
        _ = try await stage.problem()
        for suffix in ["-wal", "-shm", ""] { stage.rename("moved\(suffix)", to: "ledger.sqlite3\(suffix)") }
        #expect(await stage.health.next() == .available)
        #expect(try await stage.ledger.verify() == [])
        #expect(await stage.close() == 0)
        #expect(try LedgerReader(path: stage.folder.ledger).history(of: JobID("before")) != nil)
    }

    /// The log of the file that is open still has its name, and SQLite would play it into what has the file's.
    @Test func theLogIsEmptiedSoThatAKillPlaysItIntoNoOtherFile() async throws {
        let stage = try Stage()
        let (folder, ledger) = (stage.folder, stage.ledger)
        try await ledger.record(Sample.finished(Sample.arrival("before")))
        let backup = folder.path + "/backup"
        try await ledger.backUp(to: backup)
        for number in 0..<50 { try await ledger.record(Sample.finished(Sample.arrival("after-\(number)"))) }
        let before = contents(of: backup)
        Mishap.replacedByABackup.happen(in: folder, backup: backup)
        _ = try await stage.problem()
        #expect(contents(of: folder.ledger + "-wal").isEmpty, "as a kill would leave it now")
        #expect(await stage.close() == 0)
        #expect(contents(of: folder.ledger) == before, "what is in its place is left as it is")
    }

    /// Its directory is there, and nothing can be written to it.
    @Test func aCopyThatCannotBeWrittenDoesNotPreventTheHoldAndRecordsWait() async throws {
        let stage = try Stage()
        let (folder, ledger) = (stage.folder, stage.ledger)
        _ = try await ledger.claim(Sample.claim(Sample.arrival("calling")))
        let away = folder.path + "-away"
        #expect(rename(folder.path, away) == 0)
        let message = try await stage.problem()
        #expect(message.contains("could not be saved"))
        #expect(message.contains("tried again each minute"))
        #expect(await Self.isRefused { _ = try await ledger.claim(Sample.claim(Sample.arrival("new"))) })
        let isRecorded = Lock(false)
        async let recorded: Void = {
            try await ledger.record(Sample.finished(Sample.arrival("calling")))
            isRecorded.withLock { $0 = true }
        }()
        for _ in 0..<10 { _ = await Self.isRefused { _ = try await ledger.lookUp(Sample.arrival(), at: Sample.start) } }
        #expect(!isRecorded.withLock { $0 }, "it waits: nothing has it yet")
        #expect(rename(away, folder.path) == 0)
        #expect(await stage.health.next() == .available)
        try await recorded
        #expect(try await ledger.verify() == [])
        #expect(stage.rescued == [])
        #expect(await stage.close() == 0)
    }

    @Test func aFullDiskDoesNotPreventTheHoldAndTheCopyIsMadeAtTheEnd() async throws {
        let pages = Lock<Int?>(nil)
        let stage = try Stage(onOpen: { connection throws(SQLiteFault) in
            guard let limit = pages.withLock({ $0 }) else { return }
            _ = try connection.integer("PRAGMA max_page_count = \(limit)")
        })
        let (folder, ledger) = (stage.folder, stage.ledger)
        for number in 0..<50 {
            try await ledger.record(
                Sample.finished(Sample.arrival("before-\(number)"), body: String(repeating: "b", count: 4_000)))
        }
        _ = try await ledger.claim(Sample.claim(Sample.arrival("calling")))
        pages.withLock { $0 = 5 }
        #expect(unlink(folder.ledger) == 0)
        let message = try await stage.problem()
        #expect(message.contains("could not be saved") && message.contains("make room on its disk"), "\(message)")
        #expect(folder.names.allSatisfy { !$0.contains("rescued") }, "what was begun is gone, and its room free")
        async let recorded: Recorded = ledger.record(Sample.finished(Sample.arrival("calling")))
        for _ in 0..<10 { _ = await Self.isRefused { _ = try await ledger.lookUp(Sample.arrival(), at: Sample.start) } }
        pages.withLock { $0 = nil }
        #expect(await stage.close() == 0)
        _ = try? await recorded
        let reader = try await stage.restore()
        for number in 0..<50 { #expect(try reader.history(of: JobID("before-\(number)")) != nil) }
        #expect(try reader.history(of: JobID("calling")) != nil)
    }

    /// Room comes back only at the end: the last try is made then.
    @Test func whatCouldNotBeSavedIsSavedAtTheEnd() async throws {
        let stage = try Stage()
        let (folder, ledger) = (stage.folder, stage.ledger)
        _ = try await ledger.claim(Sample.claim(Sample.arrival("calling")))
        let away = folder.path + "-away"
        #expect(rename(folder.path, away) == 0)
        _ = try await stage.problem()
        async let recorded: Void = { try await ledger.record(Sample.finished(Sample.arrival("calling"))) }()
        // Once another was refused after it, it is in the thread's hands.
        for _ in 0..<10 { _ = await Self.isRefused { _ = try await ledger.lookUp(Sample.arrival(), at: Sample.start) } }
        #expect(unlink(away + "/ledger.sqlite3") == 0)
        #expect(rename(away, folder.path) == 0)
        #expect(await stage.close() == 0)
        try? await recorded
        let reader = try await stage.restore()
        #expect(try reader.history(of: JobID("calling")) != nil)
    }

    /// What the file is told to be full of must not be opened anew by its name: that is another file.
    @Test func aTroubleDoesNotGoOnWithTheFileThatWasPutInTheLedgersPlace() async throws {
        let isReadOnly = Lock(false)
        let stage = try Stage(onOpen: { connection throws(SQLiteFault) in
            if isReadOnly.withLock({ $0 }) { try connection.execute("PRAGMA query_only = ON") }
        })
        let (folder, ledger) = (stage.folder, stage.ledger)
        try await ledger.record(Sample.finished(Sample.arrival("before")))
        let other = folder.path + "/other"
        try await ledger.backUp(to: other)
        try await ledger.record(Sample.finished(Sample.arrival("after")))
        // It begins with the next opening, so one is made.
        isReadOnly.withLock { $0 = true }
        _ = try? await ledger.write { _ throws(SQLiteFault) in
            throw SQLiteFault(code: 10, attempted: "a test", message: "the disk is ill")
        }
        #expect(try await stage.problem().contains("the disk is ill"))
        let before = contents(of: other)
        #expect(rename(other, folder.ledger) == 0)
        isReadOnly.withLock { $0 = false }
        var message = try await stage.problem()
        while !message.contains("another file is now") { message = try await stage.problem() }
        #expect(contents(of: folder.ledger) == before)
        #expect(await stage.close() == 0)
        #expect(contents(of: folder.ledger) == before)
    }

    /// It may come to that name between the last look and the opening, which is by name.
    @Test func anotherFileThatComesToItsNameIsNotTouched() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.finished(Sample.arrival("one")))
        let other = folder.path + "/other"
        try await ledger.backUp(to: other)
        await ledger.close(within: EmbeddedLedger.closeTime)
        let identity = FileIdentity(path: folder.ledger)
        let before = contents(of: other)
        #expect(rename(other, folder.ledger) == 0)
        let file = LedgerFile(path: folder.ledger, durability: .full, program: "test")
        let fault = #expect(throws: SQLiteFault.self) { try file.open(identity) }
        #expect(fault?.message.contains("another file is now") == true)
        #expect(contents(of: folder.ledger) == before)
    }
}
