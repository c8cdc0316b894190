import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Rows are locked in one order by everybody, whatever was asked first.
@Suite(.timeLimit(.minutes(30))) struct LockOrderTests {
    private static let now = Sample.start

    /// Records of jobs, of which the ledger has those in `known`, with what goes along.
    private static func outgoing(
        _ ids: [String], known: [String] = [], lines: [LedgerQuery], queries: [LedgerQuery], reversed: Bool
    ) -> Outgoing {
        var stored = StoredJob()
        stored.revision = 3
        let jobs = Dictionary(uniqueKeysWithValues: known.map { (JobID($0), stored) })
        var transaction = PostgresTransaction(
            loaded: LoadedJobs(now: now, jobs: jobs, memberState: .working),
            durations: LeaseDurations(callTimeout: .seconds(20)), frozenUntil: nil, epoch: 7)
        var outgoing = Outgoing(most: 1 << 20, epoch: 7)
        var outbox = Outbox(owner: 7, isUsed: true)
        var portion = PostgresBacklog.Portion()
        portion.lines = reversed ? lines.reversed() : lines
        portion.queries = reversed ? queries.reversed() : queries
        for (number, id) in ids.enumerated() {
            let requests: [JobRequest] = [
                .record(Sample.finished(Sample.arrival(id)), nil, isUnheard: false, Sample.start),
                .mark(.result, JobID(id), generation: 0),
            ]
            let pending = requests.enumerated().map {
                PendingRequest(number: 2 * number + $0.offset, request: $0.element, fence: 0, reply: { _, _ in })
            }
            let isTaken = outgoing.makePlace(for: pending)
            #expect(isTaken)
            outgoing.add(transaction.plan(pending, of: JobID(id), tries: []), pending)
        }
        outgoing.finish(
            [change("c", isNew: false), change("a", isNew: true), change("d", isNew: false)], portion, &outbox,
            at: MonotonicTime(nanoseconds: 0))
        return outgoing
    }

    private static func change(_ account: String, isNew: Bool) -> AccountChange {
        var slot = AccountSlot(number: 0)
        slot.busyFence = 5
        return AccountChange(account: AccountID(account), before: AccountSlot(number: 0), after: slot, isNew: isNew)
    }

    private static func line(_ id: String) -> JobEvent {
        JobEvent(jobID: JobID(id), generation: 0, at: now, kind: "parked", detail: "")
    }

    /// The statement, and the jobs or accounts that it is about.
    private static func order(_ outgoing: Outgoing) -> [String] {
        outgoing.batch.executions.map { execution in
            let (name, bytes) = (execution.statement.name, execution.parameters.first?.bytes ?? [])
            if name.contains("_jobs") || name.hasSuffix("_slots") || name == "mark_results" {
                let ids = PostgresArray.decode(bytes[...], of: [UInt8].self) ?? []
                return ([name] + ids.map { String(decoding: $0 ?? [], as: UTF8.self) }).joined(separator: " ")
            }
            return name == "add_line" ? name + " " + String(decoding: bytes, as: UTF8.self) : name
        }
    }

    private static let day = ClusterStatements.Day(allotments: DayAllotments(), stored: [], spent: [:], alive: [])
    private static let hold = HoldRecord(cause: .apiRetired, since: now, until: nil, detail: "")

    @Test(arguments: [false, true]) func aBatchWritesInOneOrderWhateverCameFirst(_ isReversed: Bool) {
        let outgoing = Self.outgoing(
            ["b", "c", "d", "g"], known: ["c", "g"],
            lines: [
                LedgerLines.saving(Self.hold, epoch: 7), LedgerLines.adding(Self.line("c")),
                LedgerLines.adding(Self.line("a")), LedgerLines.adding(Self.line("b")),
            ],
            queries: [
                LedgerLines.barrier(.nobody).query { _ in },
                ClusterStatements.save([], over: 0, by: 7).query { _ in },
                ClusterStatements.save(DayAllotments(), of: "d", over: Self.day, by: 7).query { _ in },
                ClusterStatements.acknowledge(3, by: 7).query { _ in },
                LedgerLines.writing(Self.line("e")).query { _ in },
                JobRemoval.forget([JobID("f")], .nobody).query { _ in },
            ], reversed: isReversed)
        #expect(
            Self.order(outgoing) == [
                "add_slots a", "save_call_slots c a d", "insert_jobs_with_results_with_all_columns b d",
                "lock_jobs a b c e f g",
                "update_jobs_with_results_with_all_columns c g",
                "mark_results b c d g", "add_line a", "add_line b", "add_line c", "add_line e", "forget", "save_hold",
                "acknowledge", "write_outbox", "save_day", "save_cluster", "find_saved_cluster", "nothing",
            ])
    }

    @Test func whereNothingElseLocksJobsTheyAreLockedAsTheyAreWritten() {
        let outgoing = Self.outgoing(
            ["b", "c"], known: ["b", "c"], lines: [LedgerLines.saving(Self.hold, epoch: 7)], queries: [],
            reversed: false)
        #expect(
            Self.order(outgoing) == [
                "add_slots a", "save_call_slots c a d", "update_jobs_with_results_with_all_columns b c",
                "mark_results b c", "save_hold",
                "write_outbox",
            ])
    }

    /// Answers go to who asked, wherever the statements stand.
    @Test(arguments: [false, true]) func eachQuestionHasTheAnswersOfItsOwnStatements(_ isReversed: Bool) throws {
        let outgoing = Self.outgoing(
            ["b", "d"], lines: [LedgerLines.adding(Self.line("c"))],
            queries: [
                ClusterStatements.save([], over: 0, by: 7).query { _ in },
                LedgerLines.writing(Self.line("c")).query { _ in },
            ], reversed: isReversed)
        #expect(
            Self.order(outgoing) == [
                "add_slots a", "save_call_slots c a d", "insert_jobs_with_results_with_all_columns b d",
                "mark_results b d", "add_line c",
                "add_line c",
                "write_outbox", "save_cluster", "find_saved_cluster",
            ])
        let rows = (0..<9).map { number in
            // The jobs' statement says which were written: not `d`.
            PostgresRows(
                columns: [PostgresType.bytea.oid], values: number == 2 ? [Array("b".utf8)] : [], affected: number)
        }
        let (moved, answers) = try outgoing.read(rows)
        #expect(moved == [JobID("d")])
        #expect(answers.map { $0.map(\.affected) } == (isReversed ? [[5], [7, 8]] : [[7, 8], [5]]))
    }

    @Suite(.withADatabase) struct Overdue {
        /// Else two batches of which each frees the account that the other takes for free would wait for each other.
        @Test func whoAddsTheSlotOfAnAccountThatHasOneLocksNothing() async throws {
            let database = try await SharedDatabase()
            var batch = PostgresBatch()
            AccountRows.addNew([], to: &batch)
            let adding = try #require(batch.executions.first).statement
            let types = adding.parameters.map(\.description).joined(separator: ", ")
            let values =
                "'{a, b}', '{0, 0}', '{5, 5}', " + Array(repeating: "'{NULL, NULL}'", count: 4).joined(separator: ", ")
            try await database.run("INSERT INTO leave_album.accounts (account, slot) VALUES ('a', 0)")
            let locks = try await database.run(
                """
                PREPARE adding (\(types)) AS \(adding.text); BEGIN; EXECUTE adding (\(values), '{0, 0}');
                SELECT account, xmax = 0, busy_fence FROM leave_album.accounts ORDER BY account
                """)
            #expect(locks == "\\x61|t|\n\\x62|t|5")
        }

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
