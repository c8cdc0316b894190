import Clocks
import Concurrency
import Glibc
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger
@testable import SQLiteLedger

/// A ledger is moved whole or not at all, and at no time may it be used in two places.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct LedgerMoveTests {
    @Test func aFileIsADatabaseAfterwardsAndIsRefusedItself() async throws {
        let moving = try await Moving()
        try await moving.fill()
        guard case .moved(let counts) = try await moving.moveFile() else {
            Issue.record("it was moved before")
            return
        }
        #expect(counts == MoveCounts(jobs: 14, results: 7, lines: 13))
        // The old one, by every way in.
        let refusal = try #require(moving.fileRefusal())
        #expect(refusal.contains("was moved to the ledger at") && !refusal.contains("\n"))
        #expect(throws: LedgerError.unusable(refusal)) { try LedgerReader(path: moving.folder.ledger) }
        #expect(throws: LedgerError.self) { try EmbeddedLedger.opened(moving.folder) }
        // The new one.
        let ledger = try await moving.database.join()
        #expect(try await ledger.verify() == [])
        #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 12, albumQueries: 1))
        let statistics = try await ledger.statistics()
        #expect(statistics.entries == 12 && statistics.unpublished == 4 && statistics.unpublishedDeadLetters == 1)
        let history = try #require(try await ledger.history(of: JobID("done-2")))
        #expect(
            history.events.map(\.detail) == ["line one", "line two"] && history.results.map(\.messageID) == ["done-2#0"]
        )
        let unpublished = try await ledger.unpublishedResults(after: nil, limit: 10)
        #expect(unpublished.map(\.jobID.string) == ["done-1", "done-3", "done-5", "redriven"])
        let holds = try await ledger.holds(from: Sample.start, to: Sample.late)
        #expect(holds.map(\.detail) == ["over", "it lasts"])
        #expect(try await ledger.lookUp(Sample.arrival("never-came"), at: Sample.start) == .cancelled(nil))
        await ledger.close(within: Moving.closeTime)
    }

    /// A newer program may have shut older ones out before, which a move by this one does not undo.
    @Test(arguments: [(version: PostgresSchema.version, before: 6, during: 6), (9, 7, 7)])
    func whileItIsMovedWhoKnowsNoMovesIsShutOutAndAfterwardsWhoWasBefore(
        _ schema: (version: Int, before: Int, during: Int)
    ) async throws {
        let moving = try await Moving()
        try await moving.fill()
        try await moving.database.run(
            "UPDATE leave_album.cluster SET schema = \(schema.version), compatible_with = \(schema.before)")
        let oldest = "SELECT compatible_with FROM leave_album.cluster"
        await #expect(throws: LedgerError.self) {
            try await moving.moveFile(.init { if case .copied = $0 { true } else { false } })
        }
        #expect(try await moving.database.run(oldest) == "\(schema.during)")
        try await moving.moveFile()
        #expect(try await moving.database.run(oldest) == "\(schema.before)")
    }

    @Test func thereAndBackAgainNothingHasChanged() async throws {
        let moving = try await Moving()
        try await moving.fill()
        let before = try Moving.content(of: moving.folder.ledger)
        try await moving.moveFile()
        try await moving.database.endLeases()
        let back = moving.folder.path + "/back.sqlite3"
        try await moving.moveDatabase(to: back)
        #expect(try Moving.content(of: back) == before)
        #expect(try LedgerReader(path: back).faults() == [])
        let refusal = try #require(try await moving.databaseRefusal())
        #expect(refusal.contains("was moved to ledger \(back)"))
        // It is a ledger like any other.
        let lock = try #require(try LedgerLock.take(ledger: back))
        let ledger = try EmbeddedLedger(path: back, durability: .normal, lock: lock)
        #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 12, albumQueries: 1))
        _ = try await ledger.claim(Sample.claim(Sample.arrival("new")))
        #expect(try await ledger.statistics().entries == 13)
        await ledger.close(within: EmbeddedLedger.closeTime)
        // Once more says that it is done, and changes nothing.
        #expect(try await moving.moveDatabase(to: back) == .wasDone)
    }

    @Test func aCallThatWasUnderWayIsWaitedForAndThenAskedAbout() async throws {
        let moving = try await Moving()
        try await moving.fill()
        try await moving.moveFile()
        let ledger = try await moving.database.join()
        let arrival = Sample.arrival("redriven", generation: 1)
        guard case .leased = try await ledger.lookUp(arrival, at: Sample.start) else {
            Issue.record("nobody waits for the call")
            return
        }
        try await moving.database.endLeases()
        guard case .resumed(let open) = try await ledger.lookUp(arrival, at: Sample.start) else {
            Issue.record("it is not known")
            return
        }
        #expect(open.isAmbiguous)
        await ledger.close(within: Moving.closeTime)
    }

    // MARK: Interruptions

    private static let steps: [MoveStep] = [
        .marked, .begun, .copied(4, of: 14), .copied(12, of: 14), .copied(14, of: 14), .compared(4, of: 14),
        .compared(14, of: 14), .left,
    ]

    @Test(arguments: steps) func aMoveIntoADatabaseThatIsCutOffGoesOn(step: MoveStep) async throws {
        let moving = try await Moving()
        try await moving.fill()
        let before = try Moving.content(of: moving.folder.ledger)
        await #expect(throws: Moving.stopped) { try await moving.moveFile(.init { $0 == step }) }
        let inDatabase = try await moving.databaseRefusal()
        #expect((moving.fileRefusal() == nil) == (step != .left), "the file is used for as long as it is not given up")
        #expect((inDatabase == nil) == (step == .marked), "what has been begun is not used")
        let outcome = try await moving.moveFile()
        #expect((outcome == .finished) == (step == .left))
        #expect(moving.fileRefusal() != nil)
        #expect(try await moving.databaseRefusal() == nil)
        #expect(try await moving.moveFile() == .wasDone)
        try await moving.database.endLeases()
        let back = moving.folder.path + "/back.sqlite3"
        try await moving.moveDatabase(to: back)
        #expect(try Moving.content(of: back) == before)
    }

    @Test(arguments: steps) func aMoveIntoAFileThatIsCutOffGoesOn(step: MoveStep) async throws {
        let moving = try await Moving()
        try await moving.fill()
        let before = try Moving.content(of: moving.folder.ledger)
        try await moving.moveFile()
        try await moving.database.endLeases()
        let back = moving.folder.path + "/back.sqlite3"
        await #expect(throws: Moving.stopped) { try await moving.moveDatabase(to: back, .init { $0 == step }) }
        #expect(access(back, F_OK) != 0, "it has its name only when it is whole")
        let mark = try await moving.database.run("SELECT split_part(move, ' ', 1) FROM leave_album.cluster")
        #expect(mark == (step == .left ? "left" : "arrived"))
        let outcome = try await moving.moveDatabase(to: back)
        #expect((outcome == .finished) == (step == .left))
        #expect(try await moving.databaseRefusal() != nil)
        #expect(try Moving.content(of: back) == before)
        #expect(moving.fileRefusal(back) == nil)
    }

    @Test func whoeverWorksOnAFileMeanwhileMakesItAnother() async throws {
        let moving = try await Moving()
        try await moving.fill()
        await #expect(throws: Moving.stopped) { try await moving.moveFile(.init { $0 == .copied(8, of: 14) }) }
        let ledger = try EmbeddedLedger.opened(moving.folder)
        _ = try await ledger.claim(Sample.claim(Sample.arrival("meanwhile")))
        await ledger.close(within: EmbeddedLedger.closeTime)
        await #expect { try await moving.moveFile() } throws: { "\($0)".contains("--anew") }
        guard case .moved(let counts) = try await moving.moveFile(beginsAnew: true) else {
            Issue.record("it was moved before")
            return
        }
        #expect(counts.jobs == 15)
    }

    @Test func whoeverWorksOnADatabaseMeanwhileMakesItAnother() async throws {
        let moving = try await Moving()
        try await moving.fill()
        try await moving.moveFile()
        try await moving.database.endLeases()
        let back = moving.folder.path + "/back.sqlite3"
        await #expect(throws: Moving.stopped) {
            try await moving.moveDatabase(to: back, .init { $0 == .copied(8, of: 14) })
        }
        #expect(try await moving.databaseRefusal() == nil, "it is used as before")
        await #expect { try await moving.moveDatabase(to: back) } throws: { "\($0)".contains("--anew") }
        guard case .moved = try await moving.moveDatabase(to: back, beginsAnew: true) else {
            Issue.record("it was moved before")
            return
        }
        #expect(moving.fileRefusal(back) == nil)
    }
}
