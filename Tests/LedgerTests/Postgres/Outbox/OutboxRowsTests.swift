import Clocks
import Jobs
import LedgerDatabase
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What the broker has of the results, as the tables say it after whoever wrote them has gone.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct OutboxRowsTests {
    private func record(_ ids: String..., in ledger: DatabaseLedger) async throws {
        for id in ids { try await ledger.record(Sample.finished(Sample.arrival(id)), under: nil, isUnheard: false) }
    }

    private func unpublished(_ ledger: DatabaseLedger) async throws -> [String] {
        try await ledger.unpublishedResults(after: nil, limit: 100).map(\.jobID.string)
    }

    private func quiet(_ parts: inout DatabaseLedger.Parts) { parts.heartbeatInterval = .seconds(3_600) }

    @Test func whatAKilledOneHasLeftIsPublishedByAnotherAndWhatItPublishedIsNot() async throws {
        let database = try await SharedDatabase()
        let killed = try await database.join("killed", adjust: quiet)
        try await record("a", "b", "c", in: killed)
        killed.mark(.result, of: JobID("a"), generation: 0)
        // Whoever asks has the watermark written along.
        #expect(try await unpublished(killed) == ["b", "c"])
        killed.mark(.result, of: JobID("c"), generation: 0)
        #expect(try await unpublished(killed) == ["b"], "it knows itself what is above the watermark")
        let other = try await database.join("other", adjust: quiet)
        #expect(try await unpublished(other) == [], "who lives publishes its own")
        try await database.bury(killed)
        // A kill costs copies of what was published above it.
        let left = try await other.unpublishedResults(after: nil, limit: 100)
        #expect(left.map(\.jobID.string) == ["b", "c"] && left.allSatisfy(\.isLeftByAnother))
        for job in ["b", "c"] { other.mark(.result, of: JobID(job), generation: 0) }
        #expect(try await unpublished(other) == [])
        #expect(try await database.run("SELECT count(published_at) FROM leave_album.results") == "2")
        #expect(try await other.statistics().unpublished == 0)
        for ledger in [killed, other] { await ledger.close(within: DatabaseLedger.closeTime) }
    }

    @Test func whoLeavesSaysWhatItHasPublished() async throws {
        let database = try await SharedDatabase()
        let first = try await database.join("first", adjust: quiet)
        try await record("a", "b", in: first)
        for job in ["a", "b"] { first.mark(.result, of: JobID(job), generation: 0) }
        await first.close(within: DatabaseLedger.closeTime)
        let next = try await database.join("next", adjust: quiet)
        #expect(try await unpublished(next) == [])
        #expect(try await database.run("SELECT count(published_at) FROM leave_album.results") == "0")
        await next.close(within: DatabaseLedger.closeTime)
    }

    /// What it published before it was taken for dead nobody publishes again; what it publishes then has a mark of its own.
    @Test func whoIsTakenForDeadGoesOnWithAnOutboxOfItsOwn() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join(adjust: quiet)
        try await record("a", "b", in: ledger)
        ledger.mark(.result, of: JobID("a"), generation: 0)
        try await database.bury(ledger)
        #expect(try await ledger.lease(Sample.arrival("anew")) != nil)
        #expect(ledger.epoch == 2)
        try await record("c", in: ledger)
        #expect(try await unpublished(ledger) == ["b", "c"])
        for job in ["b", "c"] { ledger.mark(.result, of: JobID(job), generation: 0) }
        #expect(try await unpublished(ledger) == [])
        #expect(
            try await database.run(
                "SELECT convert_from(job_id, 'UTF8'), seq, owner FROM leave_album.results "
                    + "WHERE published_at IS NOT NULL") == "b|2|1")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// As long as others work that look for it, each result has a mark of its own.
    @Test func besideOlderProgramsNothingHasANumber() async throws {
        let database = try await SharedDatabase()
        try await database.run("UPDATE leave_album.cluster SET schema = \(PostgresSchema.usesOutboxes - 1)")
        let ledger = try await database.join(adjust: quiet)
        try await record("a", "b", in: ledger)
        ledger.mark(.result, of: JobID("a"), generation: 0)
        #expect(try await unpublished(ledger) == ["b"])
        #expect(try await database.run("SELECT count(seq), count(published_at) FROM leave_album.results") == "0|1")
        #expect(try await database.run("SELECT count(*) FROM leave_album.outboxes") == "0")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// Its row is there until nothing of it is, or what it published would be published again.
    @Test func anOutboxIsForgottenAfterItsResults() async throws {
        let database = try await SharedDatabase()
        let ended = try await database.join("ended", adjust: quiet)
        try await record("a", "b", in: ended)
        ended.mark(.result, of: JobID("a"), generation: 0)
        await ended.close(within: DatabaseLedger.closeTime)
        try await database.run("UPDATE leave_album.instances SET seen = '2020-01-01', ended = '2020-01-01'")
        let ledger = try await database.join("next", adjust: quiet)
        let late = Timestamp(milliseconds: Sample.start.milliseconds + 86_400_000)
        #expect(try await ledger.prune(before: late) == 1)
        #expect(try await database.run("SELECT owner, published_below FROM leave_album.outboxes") == "1|2")
        ledger.mark(.result, of: JobID("b"), generation: 0)
        #expect(try await unpublished(ledger) == [])
        #expect(try await ledger.prune(before: late) == 1)
        #expect(try await database.run("SELECT count(*) FROM leave_album.outboxes") == "0")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    // MARK: Upgrade

    @Test func anOlderSchemaGetsItsIndexesBesideThoseWhoWork() async throws {
        let database = try await SharedDatabase()
        try await database.run("DROP SCHEMA leave_album CASCADE")
        let configuration = try database.configuration(port: database.server.port, as: LedgerServer.owner)
        @Sendable func declare(_ steps: [SchemaStep], contracts: Bool = false) throws -> PostgresDeclaration.Outcome {
            try PostgresDeclaration.declare(
                configuration, workerRole: LedgerServer.worker, contracts: contracts, program: "leave-albumd 9.0",
                steps: steps)
        }
        let before = Array(PostgresSchema.steps.prefix(4))
        _ = try await onThread { try declare(before) }
        try await database.run(
            """
            INSERT INTO leave_album.results SELECT n::text::bytea, 0, 'm', 'left', NULL, '', NULL, NULL, NULL, now(), 1,
            CASE WHEN n > 3 THEN now() END FROM generate_series(1, 300) n;
            INSERT INTO leave_album.jobs SELECT n::text::bytea, n::text::bytea, sha256(''), 0, 0, 0, 0, false, false, true,
            true, NULL, 0, now(), now(), NULL, now(), 2, 1, NULL, 0 FROM generate_series(1, 300) n
            """)
        let columns = Array(PostgresSchema.steps.prefix { $0.indexes.isEmpty })
        _ = try await onThread { try declare(columns) }
        // As one that was cut off leaves it.
        try await database.run(
            """
            CREATE INDEX results_unmarked ON leave_album.results (job_id);
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'leave_album.results_unmarked'::regclass
            """)
        let upgraded = try await onThread { try declare(PostgresSchema.steps) }
        #expect(upgraded.version == PostgresSchema.needed && upgraded.contraction?.version == PostgresSchema.version)
        let again = try await onThread { try declare(PostgresSchema.steps, contracts: true) }
        #expect(again.version == PostgresSchema.version && again.contraction == nil)
        #expect(
            try await database.run(
                """
                SELECT string_agg(relname || ' ' || indisvalid, ', ' ORDER BY relname) FROM pg_index
                JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'leave_album.results'::regclass
                """)
                == "results_completed true, results_pkey true, results_sequence true, results_unmarked true")
        let ledger = try await database.join(adjust: quiet)
        #expect(try await unpublished(ledger) == ["1", "2", "3"])
        ledger.mark(.result, of: JobID("2"), generation: 0)
        #expect(try await unpublished(ledger) == ["1", "3"])
        await ledger.close(within: DatabaseLedger.closeTime)
    }
}
