import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Several batches on their way at once.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct ConnectionTests {
    private typealias Answers = AsyncStream<JobAnswer>

    /// In the order of the calls, unlike what tasks ask.
    private static func ask(_ ledger: DatabaseLedger, _ request: JobRequest) -> Answers {
        let (answers, answer) = Answers.makeStream()
        #expect(
            ledger.post(request) { given, _ in
                answer.yield(given)
                answer.finish()
            })
        return answers
    }

    private static func record(_ id: String, body: String = "body") -> JobRequest {
        .record(Sample.finished(Sample.arrival(id), body: body), nil, isUnheard: false, Sample.start)
    }

    /// Runs `body` while another session has the row of the job "held", which `release` ends.
    private static func holding(
        _ database: SharedDatabase,
        _ body: (_ release: @escaping @Sendable () async throws -> Void) async throws -> Void
    ) async throws {
        // The advisory lock says that the row is held, the account "release" that it is to be let go.
        let sql = """
            DO $$ BEGIN
            PERFORM 1 FROM leave_album.jobs WHERE job_id = 'held' FOR UPDATE; PERFORM pg_advisory_xact_lock(1);
            WHILE NOT EXISTS (SELECT 1 FROM leave_album.accounts WHERE account = 'release') LOOP
            PERFORM pg_sleep(0.005); END LOOP; END $$
            """
        async let session = database.run(sql)
        let isHeld = """
            SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND d.datname = current_database()
            """
        while try await database.run(isHeld) == "0" {}
        let release = { @Sendable in
            _ = try await database.run(
                "INSERT INTO leave_album.accounts (account, slot) VALUES ('release', 0) ON CONFLICT DO NOTHING")
        }
        do {
            try await body(release)
        } catch {
            try await release()
            throw error
        }
        try await release()
        _ = try await session
    }

    /// It is on its way, and waits for the row.
    private static func awaitBlocked(_ database: SharedDatabase) async throws {
        let isBlocked = """
            SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
            """
        while try await database.run(isBlocked) == "0" {}
    }

    /// With the record of the job "held" on its way, which waits for the row.
    private static func blocked(
        _ body: (
            DatabaseLedger, SharedDatabase, _ held: Answers, _ release: @escaping @Sendable () async throws -> Void
        ) async throws ->
            Void
    ) async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join { $0.heartbeatInterval = .seconds(3_600) }
        _ = try await ledger.lease(Sample.arrival("held"))
        try await holding(database) { release in
            let held = ask(ledger, record("held"))
            try await awaitBlocked(database)
            try await body(ledger, database, held, release)
        }
        #expect(try await ledger.verify() == [])
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aBatchThatWaitsHoldsUpNoOther() async throws {
        try await Self.blocked { ledger, database, held, release in
            // Of one job what comes later waits for what is on its way.
            let again = Self.ask(ledger, Self.record("held", body: "another"))
            for number in 0..<3 {
                let free = Self.ask(ledger, Self.record("free-\(number)"))
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
            return Self.ask(ledger, .claim(claim))
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
            let records = (0..<100).map { Self.ask(ledger, Self.record("job-\(round)-\($0)")) }
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
