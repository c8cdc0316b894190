import Clocks
import Concurrency
import Glibc
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

@Suite(.timeLimit(.minutes(30))) struct LedgerLockTests {
    @Test func aSecondDaemonWaitsForTheFirstAndKnowsItsProcess() async throws {
        let folder = TemporaryFolder()
        let clock = StoppedClock()
        var first: EmbeddedLedger? = try EmbeddedLedger.opened(folder)
        try await first?.record(Sample.finished(Sample.arrival()))
        let holders = Lock<[String]>([])
        let path = folder.ledger
        let second = Task {
            try await EmbeddedLedger.open(
                path: path, durability: .normal, clock: clock,
                onWaiting: { holder in holders.withLock { $0.append(holder) } })
        }
        for _ in 0..<3 {
            await clock.sleeper()
            clock.advance(by: .seconds(1))
        }
        await clock.sleeper()
        // Told once, however long it takes.
        #expect(holders.withLock { $0 } == ["\(getpid())"])
        await first?.close(within: EmbeddedLedger.closeTime)
        first = nil
        clock.advance(by: .seconds(1))
        let opened = try await second.value
        #expect(!opened.wasStoppedUncleanly)
        guard case .finished = try await opened.lookUp(Sample.arrival(), at: Sample.start) else {
            Issue.record("the second sees what the first wrote")
            return
        }
        await opened.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aWaitThatIsCancelledEnds() async throws {
        let folder = TemporaryFolder()
        let clock = StoppedClock()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        let path = folder.ledger
        let second = Task {
            try await EmbeddedLedger.open(path: path, durability: .normal, clock: clock, onWaiting: { _ in })
        }
        await clock.sleeper()
        second.cancel()
        clock.advance(by: .seconds(1))
        await #expect(throws: LedgerError.closed) { _ = try await second.value }
        withExtendedLifetime(lock) {}
    }

    @Test func aCommandThatDoesNotWaitLearnsWhoHasTheLedger() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        await #expect {
            _ = try await EmbeddedLedger.open(path: folder.ledger, durability: .normal, onWaiting: nil)
        } throws: { "\($0)".contains("in use by process \(getpid())") }
        // Another name of the same file is the same ledger.
        write([], to: folder.ledger)
        #expect(symlink(folder.ledger, folder.path + "/other") == 0)
        #expect(try LedgerLock.take(ledger: folder.path + "/other") == nil)
        withExtendedLifetime(lock) {}
    }

    @Test func aForgottenLedgerKeepsTheLockUntilItsThreadHasWritten() async throws {
        let folder = TemporaryFolder()
        let gate = try Gate()
        var ledger: EmbeddedLedger? = try EmbeddedLedger.opened(folder)
        ledger?.ping { gate.pass() }
        let arrival = Sample.arrival()
        ledger?.thread.post(
            .write(
                { rows throws(SQLiteFault) in
                    try rows.connection.execute("INSERT INTO days VALUES ('x', 1, 1, 1)")
                    return {}
                }, refuse: { _ in }))
        ledger = nil
        #expect(try LedgerLock.take(ledger: folder.ledger) == nil)
        gate.open()
        let clock = SystemTimeSource()
        let lock = try #require(try await LedgerLock.wait(ledger: folder.ledger, clock: clock, onWaiting: { _ in }))
        #expect(try LedgerReader(path: folder.ledger).count(of: "x").calls == 1)
        withExtendedLifetime((lock, arrival)) {}
    }
}
