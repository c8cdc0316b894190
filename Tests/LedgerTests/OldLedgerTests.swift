import Clocks
import Concurrency
import Foundation
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// Files as the programs of each schema version made them, kept as SQL in `Tests/Ledgers`.
@Suite struct OldLedgerTests {
    private func make(_ version: Int, at path: String) throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Ledgers/version-\(version).sql")
        try SQLiteConnection(path: path, mode: .readWrite).execute(String(contentsOf: file, encoding: .utf8))
    }

    @Test func thereIsAFileOfEachVersion() throws {
        for version in 1...LedgerSchema.version {
            let folder = TemporaryFolder()
            try make(version, at: folder.ledger)
            let connection = try SQLiteConnection(path: folder.ledger, mode: .readOnly)
            #expect(try LedgerSchema.check(connection) == version)
        }
    }

    /// What SQLite says of each table, so that a step changed after its release is seen: old files would differ.
    @Test func aMigratedOldFileHasTheTablesOfANewOne() throws {
        let fresh = TemporaryFolder()
        let made = try SQLiteConnection(path: fresh.ledger, mode: .readWrite)
        try LedgerSchema.migrate(made)
        func tables(_ connection: SQLiteConnection) throws -> [String] {
            try connection.query("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name") {
                row throws(SQLiteFault) in
                (row.text(0) ?? "").split(whereSeparator: \.isWhitespace).joined(separator: " ")
            }
        }
        for version in 1...LedgerSchema.version {
            let folder = TemporaryFolder()
            try make(version, at: folder.ledger)
            let connection = try SQLiteConnection(path: folder.ledger, mode: .readWrite)
            #expect(try LedgerSchema.migrate(connection) == version)
            #expect(try tables(connection) == tables(made), "version \(version)")
        }
    }

    @Test(arguments: 1...LedgerSchema.version)
    func everyJobOfAnOldFileGoesOnWhereItWas(version: Int) async throws {
        let folder = TemporaryFolder()
        try make(version, at: folder.ledger)
        let ledger = try EmbeddedLedger.opened(folder)
        let states = try await ledger.statuses(
            of: ["fresh", "calling", "parked", "left", "owed", "dead", "never-came"].map { JobID($0) }
        ).map(\.state)
        #expect(states[0] == .waiting)
        #expect(states[1] == .calling)
        #expect(states[2] == .parked(until: Timestamp(milliseconds: 1_790_000_060_000)))
        for (index, outcome) in [(3, Outcome.left), (4, .left), (5, .failed)] {
            guard case .ended(outcome, _, _) = states[index] else {
                Issue.record("\(states[index])")
                continue
            }
        }
        #expect(states[6] == (version == 1 ? .unknown : .cancelled))
        let statistics = try await ledger.statistics()
        #expect(statistics.entries == 6 && statistics.open == 3 && statistics.unpublished == 1)
        #expect(statistics.ambiguous == 2, "the call that was under way, and the one that was unheard before")
        #expect(try await ledger.count(of: "2026-09-21").calls == 3)
        #expect(try await ledger.verify() == [])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test(arguments: 1..<LedgerSchema.version)
    func anOldFileIsCheckedAndCopiedBeforeItIsBroughtUp(version: Int) throws {
        let folder = TemporaryFolder()
        try make(version, at: folder.ledger)
        let reader = try LedgerReader(path: folder.ledger)
        #expect(try reader.faults() == [])
        try reader.backUp(to: folder.path + "/backup")
        #expect(try LedgerReader(path: folder.path + "/backup").faults() == [])
        #expect { try reader.statistics(at: Sample.start) } throws: { "\($0)".contains("a start of the daemon") }
    }

    @Test func whatNoTransactionLeftBehindDoesNotOutliveTheUpgrade() async throws {
        let folder = TemporaryFolder()
        try make(3, at: folder.ledger)
        try SQLiteConnection(path: folder.ledger, mode: .readWrite).execute(
            """
            INSERT INTO results SELECT CAST('ghost' AS BLOB), generation, 'ghost#0', outcome, reason, body,
                NULL, NULL, NULL, completed, 1 FROM results LIMIT 1;
            INSERT INTO owed VALUES (CAST('ghost' AS BLOB), 0), (CAST('shadow' AS BLOB), 0);
            INSERT INTO history VALUES (CAST('ghost' AS BLOB), 1, 0, 0, 'claimed', '');
            """)
        #expect(try LedgerReader(path: folder.ledger).faults() != [])
        let ledger = try EmbeddedLedger.opened(folder)
        #expect(try await ledger.verify() == [])
        #expect(try await ledger.statistics().unpublished == 1)
        try await ledger.record(Sample.finished(Sample.arrival("ghost")))
        #expect(try await ledger.statistics().unpublished == 2)
        #expect(try await ledger.results(of: JobID("ghost")) == [Sample.result("ghost")])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aStepThatFailsSaysWhichItIs() throws {
        let folder = TemporaryFolder()
        try make(3, at: folder.ledger)
        let connection = try SQLiteConnection(path: folder.ledger, mode: .readWrite)
        try connection.execute("PRAGMA max_page_count = \(try connection.integer("PRAGMA page_count"))")
        #expect { try LedgerSchema.migrate(connection) } throws: {
            "\($0)".contains("bringing it to schema version 4") && "\($0)".contains("make room")
        }
        #expect(try connection.integer("PRAGMA user_version") == 3)
    }

    @Test func aBackupFromBeforeAnUpgradeIsRestoredAndBroughtUp() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        try make(1, at: folder.path + "/backup")
        #expect(
            try LedgerBackup.restore(folder.path + "/backup", to: folder.ledger, lock: lock, at: Sample.start) == nil)
        let ledger = try EmbeddedLedger.opened(folder, lock: lock)
        #expect(try await ledger.statistics().entries == 6)
        #expect(try await ledger.verify() == [])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }
}
