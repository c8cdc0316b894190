import Clocks
import Glibc
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// A database that was put back to an older state does not know that; the host of a daemon does.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct RememberedLedgerTests {
    private let folder = TemporaryFolder()
    private static let started = Sample.start
    private static let seen = started + .seconds(3_600)
    private static let remembered = RememberedLedger(
        ledger: [1], system: 2, timeline: 3, epoch: 4, started: started, seen: seen)
    private static let retention = Duration.seconds(86_400)

    /// A database that went on for an hour, with something else about it.
    private func ruling(
        _ change: (inout RememberedLedger.Found) -> Void = { _ in }
    ) -> RememberedLedger.Ruling {
        var found = RememberedLedger.Found(
            ledger: [1], system: 2, created: Self.started - .seconds(1), accepted: nil,
            member: (Self.started, Self.seen + .seconds(9)), now: Self.seen + .seconds(3_600))
        change(&found)
        return Self.remembered.ruling(on: found, retention: Self.retention)
    }

    private static func isRefused(_ ruling: RememberedLedger.Ruling) -> Bool {
        if case .refused = ruling { true } else { false }
    }

    @Test func aDatabaseThatWentOnIsTakenAsItIs() {
        #expect(ruling() == .goesOn)
        #expect(ruling { $0.member?.seen = Self.seen } == .goesOn)
    }

    @Test func anOlderStateIsRefusedAndAStandbyThatLaggedIsNot() {
        #expect(ruling { $0.member?.seen = Self.seen - .seconds(60) } == .lags(.seconds(60)))
        #expect(Self.isRefused(ruling { $0.member?.seen = Self.seen - .milliseconds(60_001) }))
        // It joined after that state.
        #expect(Self.isRefused(ruling { $0.member = nil }))
        // The number was given to another since.
        #expect(Self.isRefused(ruling { $0.member?.started = Self.started + .milliseconds(1) }))
        let short = RememberedLedger(
            ledger: [1], system: 2, timeline: 3, epoch: 4, started: Self.seen - .seconds(9), seen: Self.seen)
        let found = RememberedLedger.Found(
            ledger: [1], system: 2, created: Self.started, accepted: nil, member: nil, now: Self.seen)
        #expect(short.ruling(on: found, retention: Self.retention) == .lags(.seconds(9)), "it had joined just before")
    }

    @Test func anotherLedgerAndACopyInAnotherDatabaseSystemAreRefused() {
        #expect(Self.isRefused(ruling { $0.ledger = [9] }))
        #expect(Self.isRefused(ruling { $0.system = 9 }))
    }

    @Test func whatWasDeclaredOrAcceptedSinceIsMeant() {
        #expect(ruling { ($0.ledger, $0.created) = ([9], Self.seen + .milliseconds(1)) } == .goesOn)
        #expect(ruling { ($0.system, $0.accepted) = (9, Self.seen + .milliseconds(1)) } == .goesOn)
        #expect(
            Self.isRefused(ruling { ($0.system, $0.accepted) = (9, Self.seen) }),
            "it was another restore that was meant")
    }

    @Test func theRowOfAMemberThatRetentionHasRemovedSaysNothing() {
        #expect(
            ruling {
                $0.member = nil
                $0.now = Self.seen + Self.retention
            } == .goesOn)
    }

    @Test func aDatabaseThatIsPutBackIsKnownUntilAnOperatorAcceptsIt() async throws {
        let database = try await SharedDatabase()
        let memory = try LedgerMemory(folder.path)
        #expect(try memory.load() == nil)
        let ledger = try await database.join()
        try memory.save(try #require(try await ledger.remember()))
        await ledger.close(within: DatabaseLedger.closeTime)
        let read = try #require(try memory.load())
        #expect(read.timeline == 1 && read.ledger == ledger.identity.ledger)

        let next = try await database.join()
        #expect(try await next.ruling(by: read, retention: Self.retention) == .goesOn)
        // As before it had joined, and that is long ago.
        var old = read
        old.started = old.started - .seconds(3_600)
        try await database.run("DELETE FROM leave_album.instances WHERE epoch = \(old.epoch)")
        #expect(Self.isRefused(try await next.ruling(by: old, retention: Self.retention)))
        try await next.acceptState()
        #expect(try await next.ruling(by: old, retention: Self.retention) == .goesOn)
        // It is no hold of anybody.
        #expect(try await next.holds(from: Sample.start, to: next.clusterClock.wall() + .seconds(9)).isEmpty)
        await next.close(within: DatabaseLedger.closeTime)
    }

    @Test func aFileThatIsNoMemoryIsRefused() throws {
        let memory = try LedgerMemory(folder.path)
        write(Array("{}".utf8), to: memory.path)
        chmod(memory.path, 0o600)
        #expect(throws: LedgerMemory.Failure.self) { try memory.load() }
    }
}
