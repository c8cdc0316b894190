import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Rows are locked in one order by everybody, whatever was asked first.
@Suite(.timeLimit(.minutes(10))) struct LockOrderTests {
    private static let now = Sample.start

    private static func outgoing(
        _ ids: [String], lines: [LedgerQuery], queries: [LedgerQuery], queriesReversed: Bool
    ) -> Outgoing {
        var transaction = PostgresTransaction(
            loaded: LoadedJobs(now: now, jobs: [:], memberState: .working),
            durations: LeaseDurations(callTimeout: .seconds(20)), frozenUntil: nil, epoch: 7)
        var outgoing = Outgoing(most: 1 << 20, epoch: 7)
        var portion = PostgresBacklog.Portion()
        portion.lines = queriesReversed ? lines.reversed() : lines
        portion.queries = queriesReversed ? queries.reversed() : queries
        for (number, id) in ids.enumerated() {
            let request = JobRequest.record(
                Sample.finished(Sample.arrival(id)), nil, isUnheard: false, Sample.start)
            let pending = [PendingRequest(number: number, request: request, fence: 0, reply: { _, _ in })]
            let isTaken = outgoing.add(transaction.plan(pending, of: JobID(id), tries: []), pending)
            #expect(isTaken)
        }
        let account = AccountChange(
            account: AccountID("a"), before: AccountSlot(number: 0),
            after: {
                var slot = AccountSlot(number: 0)
                slot.busyFence = 5
                return slot
            }())
        outgoing.finish([account], portion)
        return outgoing
    }

    private static func line(_ id: String) -> JobEvent {
        JobEvent(jobID: JobID(id), generation: 0, at: now, kind: "parked", detail: "")
    }

    /// The statement, and the job that it is about.
    private static func order(_ outgoing: Outgoing) -> [String] {
        outgoing.batch.executions.map { execution in
            let name = execution.statement.name
            guard name.hasSuffix("_job") || name == "add_line" else { return name }
            return name + " " + String(decoding: execution.parameters[0].bytes ?? [], as: UTF8.self)
        }
    }

    @Test(arguments: [false, true]) func aBatchWritesInOneOrderWhateverCameFirst(_ isReversed: Bool) {
        let hold = HoldRecord(cause: .apiRetired, since: Self.now, until: nil, detail: "")
        let outgoing = Self.outgoing(
            ["b", "d"],
            lines: [
                LedgerLines.saving(hold, epoch: 7), LedgerLines.adding(Self.line("c")),
                LedgerLines.adding(Self.line("a")), LedgerLines.adding(Self.line("b")),
            ],
            queries: [
                LedgerLines.barrier.query { _ in },
                ClusterStatements.save(ClusterState(), over: 0, by: 7).query { _ in },
                ClusterStatements.save(DayAllotments(), of: "d", over: 0, by: 7).query { _ in },
                ClusterStatements.acknowledge(3, by: 7).query { _ in },
                LedgerLines.writing(Self.line("e")).query { _ in },
                JobRemoval.forget([JobID("f")]).query { _ in },
            ], queriesReversed: isReversed)
        #expect(
            Self.order(outgoing) == [
                "save_slot", "add_line a", "insert_job b", "add_line b", "add_line c", "insert_job d", "add_line e",
                "forget", "save_hold", "acknowledge", "save_day", "save_cluster", "find_saved_cluster", "nothing",
            ])
    }

    /// Answers go to who asked, wherever the statements stand.
    @Test(arguments: [false, true]) func eachQuestionHasTheAnswersOfItsOwnStatements(_ isReversed: Bool) throws {
        let outgoing = Self.outgoing(
            ["b", "d"], lines: [LedgerLines.adding(Self.line("c"))],
            queries: [
                ClusterStatements.save(ClusterState(), over: 0, by: 7).query { _ in },
                LedgerLines.writing(Self.line("c")).query { _ in },
            ], queriesReversed: isReversed)
        #expect(
            Self.order(outgoing) == [
                "save_slot", "insert_job b", "add_line c", "add_line c", "insert_job d", "save_cluster",
                "find_saved_cluster",
            ])
        let rows = (0..<7).map { number in
            // A job's statement says how many rows it has changed: of `d` none.
            PostgresRows(
                columns: [PostgresType.int8.oid], bytes: [0, 0, 0, 0, 0, 0, 0, number == 1 ? 1 : 0], ranges: [0..<8],
                affected: number)
        }
        let (moved, answers) = try outgoing.read(rows)
        #expect(moved == [JobID("d")])
        #expect(answers.map { $0.map(\.affected) } == (isReversed ? [[3], [5, 6]] : [[5, 6], [3]]))
    }

    @Suite(.withADatabase) struct Overdue {
        /// Two that come back in the same moment have their own rows locked, and each finds the other overdue.
        @Test func whoeverIsJustSayingThatItLivesIsNotWaitedFor() async throws {
            let database = try await SharedDatabase()
            let returning = try await database.join("b") { $0.heartbeatInterval = .seconds(3_600) }
            _ = try await returning.knowsSuccess()
            try await database.run("UPDATE leave_album.instances SET alive_until = now() - interval '1 second'")
            let sql = """
                DO $$ DECLARE last timestamptz; BEGIN
                PERFORM 1 FROM leave_album.instances WHERE name = 'b' FOR UPDATE; PERFORM pg_advisory_xact_lock(1);
                FOR beat IN 1..3 LOOP
                last := (SELECT seen FROM leave_album.instances WHERE name = 'a');
                WHILE (SELECT seen FROM leave_album.instances WHERE name = 'a') IS NOT DISTINCT FROM last LOOP
                IF EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
                AND wait_event_type = 'Lock') THEN RAISE EXCEPTION 'somebody waits for it'; END IF;
                PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP; END LOOP;
                UPDATE leave_album.instances SET alive_until = now() + interval '1 hour' WHERE name = 'b'; END $$
                """
            async let holding = database.run(sql)
            let isHeld = """
                SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                WHERE l.locktype = 'advisory' AND d.datname = current_database()
                """
            while try await database.run(isHeld) == "0" {}
            let other = try await database.join("a") { $0.heartbeatInterval = .milliseconds(20) }
            _ = try await holding
            #expect(try await database.run("SELECT state FROM leave_album.instances WHERE name = 'b'") == "working")
            await other.close(within: DatabaseLedger.closeTime)
            await returning.close(within: DatabaseLedger.closeTime)
        }
    }
}
