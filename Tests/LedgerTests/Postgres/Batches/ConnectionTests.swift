import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Several batches on their way at once.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct ConnectionTests {
    /// With the record of the job "held" on its way, which waits for the row.
    private static func blocked(
        _ body: (
            DatabaseLedger, SharedDatabase, _ held: HeldRow.Answers,
            _ release: @escaping @Sendable () async throws -> Void
        ) async throws -> Void
    ) async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join { $0.heartbeatInterval = .seconds(3_600) }
        _ = try await ledger.lease(Sample.arrival("held"))
        try await HeldRow.holding(database) { release in
            let held = HeldRow.ask(ledger, HeldRow.record("held"))
            try await HeldRow.awaitBlocked(database)
            try await body(ledger, database, held, release)
        }
        #expect(try await ledger.verify() == [])
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aBatchThatWaitsHoldsUpNoOther() async throws {
        try await Self.blocked { ledger, database, held, release in
            // Of one job what comes later waits for what is on its way.
            let again = HeldRow.ask(ledger, HeldRow.record("held", body: "another"))
            for number in 0..<3 {
                let free = HeldRow.ask(ledger, HeldRow.record("free-\(number)"))
                #expect(await free.first { _ in true } == .recorded(.copy(0)))
            }
            #expect(try await database.run("SELECT count(*) FROM leave_album.results") == "3")
            try await release()
            #expect(await held.first { _ in true } == .recorded(.copy(0)))
            #expect(await again.first { _ in true } == .recorded(.alreadyEnded))
        }
    }

    @Test func aQuestionSeesWhatWasOnItsWay() async throws {
        try await Self.blocked { ledger, _, held, release in
            let (asked, isAsked) = AsyncStream.makeStream(of: Void.self)
            async let unpublished = {
                isAsked.yield()
                return try await ledger.unpublishedResults(after: nil, limit: 9)
            }()
            _ = await asked.first { _ in true }
            try await release()
            #expect(await held.first { _ in true } == .recorded(.copy(0)))
            #expect(try await unpublished.count == 1)
        }
    }

    @Test(arguments: 1...4)
    func whateverTheConnectionsADaysAllotmentIsSpentOnce(_ connections: Int) async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join { $0.configuration.connections = connections }
        let epoch = try #require(ledger.epoch)
        _ = try await ledger.cluster.allot(DayRequest(day: Sample.day, limit: 160))
        let allotted = try #require(Int(try await database.run("SELECT allotted FROM leave_album.day_shares")))
        let claims = (0..<200).map { number in
            var claim = Sample.claim(Sample.arrival("job-\(number)"))
            claim.allottedTo = Int64(epoch)
            return HeldRow.ask(ledger, .claim(claim))
        }
        var claimed = 0
        for claim in claims {
            switch await claim.first(where: { _ in true }) {
            case .claimed: claimed += 1
            case .notAllotted: break
            case let other: Issue.record("\(String(describing: other))")
            }
        }
        #expect(allotted < 200)
        #expect(claimed == allotted)
        #expect(try await database.run("SELECT calls FROM leave_album.day_shares") == "\(allotted)")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// All that is asked of one server ends with it, and is done over new connections.
    @Test func whenAllConnectionsEndNothingIsLostOrDoneTwice() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join { $0.configuration.connections = 3 }
        for round in 0..<5 {
            let records = (0..<100).map { HeldRow.ask(ledger, HeldRow.record("job-\(round)-\($0)")) }
            _ = try await database.run(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
                AND application_name = 'leave-albumd'
                """)
            for record in records { #expect(await record.first { _ in true } == .recorded(.copy(0))) }
        }
        #expect(try await database.run("SELECT count(*), count(DISTINCT job_id) FROM leave_album.results") == "500|500")
        #expect(try await ledger.verify() == [])
        #expect(await ledger.close(within: DatabaseLedger.closeTime) == 0)
    }
}
