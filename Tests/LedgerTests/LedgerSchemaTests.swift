import Clocks
import Glibc
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

@Suite struct LedgerSchemaTests {
    private static let next =
        LedgerSchema.migrations + [
            """
            ALTER TABLE jobs ADD COLUMN leased INTEGER;
            CREATE TABLE leases (job_id BLOB PRIMARY KEY) WITHOUT ROWID;
            INSERT INTO leases SELECT job_id FROM jobs;
            """
        ]

    private func makeLedger(_ folder: TemporaryFolder) async throws {
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.finished(Sample.arrival()))
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aFileOfTheVersionBeforeGoesOneStepForwardWithItsJobs() async throws {
        let folder = TemporaryFolder()
        try await makeLedger(folder)
        let connection = try SQLiteConnection(path: folder.ledger, mode: .readWrite)
        #expect(try LedgerSchema.migrate(connection, steps: Self.next) == LedgerSchema.version)
        #expect(try connection.integer("PRAGMA user_version") == LedgerSchema.version + 1)
        #expect(try connection.integer("SELECT count(*) FROM jobs WHERE leased IS NULL") == 1)
        #expect(try connection.integer("SELECT count(*) FROM leases") == 1)
        // Once is enough.
        #expect(try LedgerSchema.migrate(connection, steps: Self.next) == LedgerSchema.version + 1)
    }

    @Test func aFileOfTheFirstVersionComesUpToThisOne() async throws {
        let folder = TemporaryFolder()
        do {
            let connection = try SQLiteConnection(path: folder.ledger, mode: .readWrite)
            try LedgerSchema.migrate(connection, steps: Array(LedgerSchema.migrations.prefix(1)))
        }
        let ledger = try EmbeddedLedger.opened(folder)
        #expect(try await ledger.cancel(JobID("never-seen"), at: Sample.start))
        try await ledger.record(Sample.finished(Sample.arrival()))
        await ledger.close(within: EmbeddedLedger.closeTime)
        #expect(try LedgerReader(path: folder.ledger).faults() == [])
    }

    @Test func aNewFileTakesAllStepsAtOnce() throws {
        let folder = TemporaryFolder()
        let connection = try SQLiteConnection(path: folder.ledger, mode: .readWrite)
        #expect(try LedgerSchema.migrate(connection, steps: Self.next) == 0)
        #expect(try connection.integer("PRAGMA user_version") == LedgerSchema.version + 1)
    }

    @Test func aStepThatFailsLeavesTheFileAsItWas() async throws {
        let folder = TemporaryFolder()
        try await makeLedger(folder)
        let connection = try SQLiteConnection(path: folder.ledger, mode: .readWrite)
        let broken = LedgerSchema.migrations + ["CREATE TABLE leases (x); INSERT INTO nowhere VALUES (1)"]
        #expect(throws: LedgerError.self) { try LedgerSchema.migrate(connection, steps: broken) }
        #expect(try connection.integer("PRAGMA user_version") == LedgerSchema.version)
        #expect(try connection.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'leases'") == 0)
        #expect(try LedgerReader(path: folder.ledger).faults() == [])
    }

    @Test func aFileOfANewerProgramIsRefusedWithBothVersions() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        do {
            let connection = try SQLiteConnection(path: folder.ledger, mode: .readWrite)
            try LedgerSchema.migrate(
                connection, program: "leave-albumd 9.8.7", steps: Self.next, compatibleWith: Self.next.count)
        }
        let namesBoth: (any Error) -> Bool = { error in
            (error as? LedgerError)?.isUnusable == true
                && "\(error)".contains("schema version \(LedgerSchema.version + 1)")
                && "\(error)".contains("up to \(LedgerSchema.version)")
                && "\(error)".contains("install leave-albumd 9.8.7 again")
        }
        #expect { _ = try EmbeddedLedger.opened(folder, lock: lock) } throws: { namesBoth($0) }
        #expect { _ = try LedgerReader(path: folder.ledger) } throws: { namesBoth($0) }
        #expect {
            try EmbeddedLedger.checkVersion(path: folder.ledger, program: "leave-albumd 1.2.3")
        } throws: { namesBoth($0) && "\($0)".contains("this leave-albumd 1.2.3 knows") }
        #expect {
            _ = try LedgerBackup.restore(folder.ledger, to: folder.path + "/new", lock: lock, at: Sample.start)
        } throws: { namesBoth($0) }
    }

    @Test func aFileOfANewerProgramThatSaysItIsCompatibleIsWorkedOnAndKeepsItsVersion() async throws {
        let folder = TemporaryFolder()
        try await makeLedger(folder)
        do {
            let connection = try SQLiteConnection(path: folder.ledger, mode: .readWrite)
            try LedgerSchema.migrate(
                connection, program: "leave-albumd 9.8.7", steps: Self.next, compatibleWith: LedgerSchema.version)
        }
        try EmbeddedLedger.checkVersion(path: folder.ledger, program: "leave-albumd 1.2.3")
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.finished(Sample.arrival("by the older program")))
        await ledger.close(within: EmbeddedLedger.closeTime)
        let reader = try LedgerReader(path: folder.ledger)
        #expect(try reader.faults() == [])
        #expect(try reader.history(of: JobID("by the older program")) != nil)
        let connection = try SQLiteConnection(path: folder.ledger, mode: .readOnly)
        #expect(try connection.integer("PRAGMA user_version") == LedgerSchema.version + 1)
        #expect(
            LedgerOrigin.read(from: connection)
                == LedgerOrigin(program: "leave-albumd 9.8.7", compatibleWith: LedgerSchema.version))
    }

    @Test func aNewerFileThatSaysNothingOfWhoMadeItIsRefused() throws {
        let folder = TemporaryFolder()
        let connection = try SQLiteConnection(path: folder.ledger, mode: .readWrite)
        try LedgerSchema.migrate(connection, steps: Self.next)
        let compatible = LedgerSchema.compatibleWith
        for damage in [
            "UPDATE meta SET value = 'many' WHERE value = \(compatible)", "DELETE FROM meta", "DROP TABLE meta",
        ] {
            try connection.execute(damage)
            #expect {
                try EmbeddedLedger.checkVersion(path: folder.ledger, program: "leave-albumd")
            } throws: { "\($0)".contains("a newer leave-albumd") && ($0 as? LedgerError)?.isUnusable == true }
        }
    }

    @Test func aNewFileSaysWhoMadeItAndWhoMayUseIt() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        try EmbeddedLedger.checkVersion(path: folder.ledger, program: "leave-albumd 1.2.3")
        #expect(!LedgerFile.exists(folder.ledger), "a check makes no file")
        let ledger = try EmbeddedLedger(
            path: folder.ledger, durability: .normal, lock: lock, program: "leave-albumd 1.2.3")
        await ledger.close(within: EmbeddedLedger.closeTime)
        #expect(
            LedgerOrigin.read(from: try SQLiteConnection(path: folder.ledger, mode: .readOnly))
                == LedgerOrigin(program: "leave-albumd 1.2.3", compatibleWith: LedgerSchema.compatibleWith))
    }

    @Test func anotherProgramsFileIsLeftAlone() throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        try SQLiteConnection(path: folder.ledger, mode: .readWrite).execute("CREATE TABLE theirs (x)")
        #expect { _ = try EmbeddedLedger.opened(folder, lock: lock) } throws: { "\($0)".contains("another program") }
    }

    @Test func onlyTheOwnerMayReadTheFileWhateverTheUmask() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.finished(Sample.arrival()))
        for suffix in ["", "-wal", "-shm", ".lock"] {
            var status = stat()
            #expect(stat(folder.ledger + suffix, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600, "\(suffix)")
        }
        await ledger.close(within: EmbeddedLedger.closeTime)
    }
}
