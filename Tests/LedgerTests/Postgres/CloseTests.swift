import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import ScriptedPeer
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Whoever closes a ledger waits as long as it says, whatever the database does.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct CloseTests {
    /// Less than what a batch (60 s) and a connection (120 s) may take here.
    private static let soon = Duration.seconds(50)

    /// Closes in the middle of a record. Returns how many were lost, and how long that took.
    private func close(
        _ ledger: DatabaseLedger, during isStuck: AsyncSignal, _ end: RawSignal
    ) async throws -> (Int, Duration) {
        defer { end.fire() }
        async let recorded = ledger.record(Sample.finished(Sample.arrival()), under: nil, isUnheard: false)
        await isStuck.wait()
        let began = SystemTimeSource().now()
        let lost = await ledger.close(within: .milliseconds(300))
        let took = SystemTimeSource().now() - began
        // The answer to the record comes all the same.
        end.fire()
        do {
            _ = try await recorded
            Issue.record("it was not written")
        } catch {
            #expect(error as? LedgerError == .closed)
        }
        await #expect(throws: LedgerError.closed) { try await ledger.lookUp(Sample.arrival(), at: Sample.start) }
        return (lost, took)
    }

    @Test func aBatchWhoseAnswerDoesNotComeIsGivenUpInTime() async throws {
        let database = try await SharedDatabase()
        let (isStuck, end) = (AsyncSignal(), try RawSignal())
        let script = PostgresProxy.script(to: database.server.port) { statements in
            guard statements.contains(where: { $0.hasPrefix("insert_jobs") }) else { return .pass }
            isStuck.signal()
            try end.wait()
            return .swallow
        }
        try await RawPeer.serving(script) { peer in
            let ledger = try await database.join(port: peer.port)
            let (lost, took) = try await close(ledger, during: isStuck, end)
            #expect(lost == 1 && took < Self.soon, "\(took)")
        }
    }

    @Test func aConnectionThatIsNotMadeIsNotWaitedFor() async throws {
        let database = try await SharedDatabase()
        let (isStuck, end) = (AsyncSignal(), try RawSignal())
        let isFirst = Lock(true)
        let proxy = PostgresProxy.script(to: database.server.port) { statements in
            statements.contains { $0.hasPrefix("insert_jobs") } ? .swallow : .pass
        }
        let script: RawPeer.Script = { client in
            if isFirst.withLock({ isFirst in
                defer { isFirst = false }
                return isFirst
            }) {
                return try proxy(client)
            }
            isStuck.signal()
            try end.wait()
        }
        try await RawPeer.serving(script) { peer in
            let ledger = try await database.join(port: peer.port)
            let (lost, took) = try await close(ledger, during: isStuck, end)
            #expect(lost == 1 && took < Self.soon, "\(took)")
        }
    }
}
