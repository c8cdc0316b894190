import Clocks
import Concurrency
import Jobs
import LedgerDatabase
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// The database goes and comes back under a ledger that has work. Each test has a server of its own, to stop.
@Suite(.timeLimit(.minutes(30))) struct DatabaseAwayTests {
    private func with(
        _ body: (DatabaseLedger, PrivateDatabase, HeardHealth) async throws -> Void
    ) async throws {
        let server = try await PrivateDatabase()
        do {
            let health = HeardHealth()
            let configuration = try PostgresConfiguration(
                PostgresURL("postgresql://\(PrivateDatabase.superuser)@127.0.0.1:\(server.port)/postgres"))
            try await onThread { _ = try PostgresDeclaration.declare(configuration) }
            var parts = DatabaseLedger.Parts(configuration: configuration, durations: SharedDatabase.durations)
            parts.onHealth = { health.note($0) }
            let ledger = try await DatabaseLedger.open(parts, member: MemberDescription(name: "a", version: "1"))
            try await body(ledger, server, health)
        } catch {
            await server.end()
            throw error
        }
        await server.end()
    }

    @Test func claimsAreRefusedRecordsWaitAndAllIsWrittenWhenTheDatabaseIsBack() async throws {
        try await with { ledger, server, health async throws in
            let lease = try #require(try await ledger.lease())
            await server.stop()
            await #expect(throws: LedgerError.self) { try await ledger.lease(Sample.arrival("new")) }
            await health.news.wait()
            guard case .unavailable(.unavailable(let why)) = health.words.withLock({ $0 }).first else {
                Issue.record("the ledger cannot commit")
                return
            }
            #expect(why.contains("127.0.0.1:\(server.port)"), "\(why)")
            await #expect(throws: LedgerError.self) { try await ledger.lookUp(Sample.arrival(), at: Sample.start) }
            await #expect(throws: LedgerError.self) { try await ledger.knowsSuccess() }
            let (answers, answer) = AsyncStream.makeStream(of: JobAnswer.self)
            #expect(
                ledger.post(.record(Sample.finished(Sample.arrival()), lease, isUnheard: false, Sample.start)) {
                    given, _ in
                    answer.yield(given)
                })
            ledger.mark(.result, of: JobID("job-1"), generation: 0)
            // It still answers who asks whether it lives.
            await withCheckedContinuation { reply in ledger.ping { reply.resume() } }
            try await server.start()
            #expect(await answers.first { _ in true } == .recorded(.copy(0)))
            // A server that is starting refuses otherwise than one that is gone, and that may be told, too.
            var heard = 1
            while health.words.withLock({ $0 }).last != .available {
                heard += 1
                await health.news.wait(for: heard)
            }
            #expect(try await ledger.unpublishedResults(after: nil, limit: 9).isEmpty)
            #expect(await ledger.close(within: DatabaseLedger.closeTime) == 0)
        }
    }

    @Test func aServerThatIsKilledInTheMiddleLosesNothing() async throws {
        try await with { ledger, server, _ async throws in
            async let answers = withTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let record = Sample.finished(Sample.arrival("job-\(number)"), body: "\(number)")
                        return (try? await ledger.record(record, under: nil, isUnheard: false)) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            await server.kill()
            try await server.start()
            #expect(await answers == 200)
            #expect(try await ledger.statistics().entries == 200)
            #expect(try await ledger.results(since: Sample.start, after: nil, limit: 300).count == 200)
            #expect(try await ledger.verify() == [])
            #expect(await ledger.close(within: DatabaseLedger.closeTime) == 0)
        }
    }

    @Test func whatCannotBeWrittenInTimeIsCountedAtTheEnd() async throws {
        try await with { ledger, server, _ async throws in
            let lease = try #require(try await ledger.lease())
            await server.stop()
            await #expect(throws: LedgerError.self) { try await ledger.lease(Sample.arrival("new")) }
            async let recorded = ledger.record(Sample.finished(Sample.arrival()), under: lease, isUnheard: false)
            ledger.mark(.copy(0), of: JobID("job-1"), generation: 0)
            await withCheckedContinuation { reply in ledger.ping { reply.resume() } }
            let began = SystemTimeSource().now()
            let lost = await ledger.close(within: .milliseconds(300))
            #expect(lost >= 1)
            #expect(SystemTimeSource().now() - began < .seconds(60))
            do {
                _ = try await recorded
                Issue.record("it was not written")
            } catch {
                #expect(error as? LedgerError == .closed)
            }
            await #expect(throws: LedgerError.closed) { try await ledger.lookUp(Sample.arrival(), at: Sample.start) }
        }
    }

    @Test func anotherLedgerInItsPlaceIsNotWrittenTo() async throws {
        try await with { ledger, server, health async throws in
            try await server.run("UPDATE leave_album.cluster SET identity = 'another'")
            try await server.run(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'leave-albumd'")
            await #expect(throws: LedgerError.self) { try await ledger.lease() }
            await health.news.wait()
            guard case .unavailable(.unusable(let why)) = health.words.withLock({ $0 }).last else {
                Issue.record("no wait mends that")
                return
            }
            #expect(why.contains("another ledger"), "\(why)")
            #expect(try await server.run("SELECT count(*) FROM leave_album.jobs") == "0")
            await ledger.close(within: DatabaseLedger.closeTime)
        }
    }
}

/// What blocks is for a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await NativeThread.offload("test") { Result { try body() } }.get()
}
