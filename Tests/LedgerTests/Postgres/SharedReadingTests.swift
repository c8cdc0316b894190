import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What a member counts, and hears of its database beside the jobs.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct SharedReadingTests {
    private static func sleepers(_ what: String) -> String {
        """
        SELECT \(what) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(3600)%'
        AND pid <> pg_backend_pid()
        """
    }

    @Test func aTransactionOfSomebodyElseHasAnAgeUntilItEnds() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        let other = Task { try? await database.run("SELECT pg_current_xact_id(), pg_sleep(3600)") }
        while try await database.run(Self.sleepers("count(*)") + " AND backend_xid IS NOT NULL") != "1" {}
        let first = try #require(try await ledger.condition())
        let began = ledger.clusterClock.now()
        #expect(first.replication == .noStandby && first.timeline == 1)
        let second = try #require(try await ledger.condition())
        #expect(try #require(second.xminAge) > .zero)
        try await database.run(Self.sleepers("pg_terminate_backend(pid)"))
        _ = await other.value
        // Whatever else runs on this server does so for moments.
        while true {
            let age = try #require(try await ledger.condition()?.xminAge)
            if age < ledger.clusterClock.now() - began { break }
        }
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aRoleThatDoesNotSeeOthersSaysNothingOfThem() async throws {
        let database = try await SharedDatabase()
        let role = "blind_\(database.name)"
        try await database.run(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA leave_album TO \(role);
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA leave_album TO \(role)
            """)
        let configuration = try database.configuration(port: database.server.port, as: role)
        let ledger = try await database.join { $0.configuration = configuration }
        let condition = try #require(try await ledger.condition())
        #expect(condition == DatabaseCondition(xminAge: nil, replication: .noStandby, timeline: 1))
        await ledger.close(within: DatabaseLedger.closeTime)
        try await database.run("DROP OWNED BY \(role); DROP ROLE \(role)")
    }

    @Test func eachAnswerOfTheDatabaseIsTimed() async throws {
        let database = try await SharedDatabase()
        let trips = Lock<[Duration]>([])
        let ledger = try await database.join { parts in
            parts.heartbeatInterval = .seconds(3_600)
            parts.onRoundTrip = { took in trips.withLock { $0.append(took) } }
        }
        _ = try #require(try await ledger.lease())
        let counted = trips.withLock { $0 }
        // Whether it failed over, over each of two connections, the first heartbeat, what was read, and the commit.
        #expect(counted.count == 5 && counted.allSatisfy { $0 > .zero }, "\(counted)")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func eachMemberCountsTheLeasesThatItHolds() async throws {
        let database = try await SharedDatabase()
        let (one, two) = (try await database.join("a"), try await database.join("b"))
        let first = try #require(try await one.lease())
        let second = try #require(try await one.lease(Sample.arrival("job-2")))
        #expect(one.sharedReading?.leasesHeld == 2 && two.sharedReading?.leasesHeld == 0)
        let heard = Record.callEnded(Sample.arrival(), attempts: 1, isAmbiguous: false, malformedAnswers: 0)
        #expect(try await one.record(heard, under: first, isUnheard: false) == .copy(0))
        #expect(one.sharedReading?.leasesHeld == 1)
        try await one.withdraw(second, of: JobID("job-2"), kind: .call, day: Sample.day)
        #expect(one.sharedReading?.leasesHeld == 0)
        await one.close(within: DatabaseLedger.closeTime)
        await two.close(within: DatabaseLedger.closeTime)
    }
}
