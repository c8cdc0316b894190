import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import ScriptedPeer
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What one batch makes of many jobs: of each all is written or nothing, whatever becomes of the others.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct JobBatchTests {
    /// Of an account of its own. `copy`: 1 of what was parked.
    private func claim(_ id: String, copy: Int = 0, allottedTo member: Int? = nil) -> JobRequest {
        let arrival = Sample.arrival(id, account: "of-\(id)", copy: copy)
        var claim = Sample.limited(arrival, AccountLimits(slots: 1, perMinute: 0))
        claim.allottedTo = member.map { Int64($0) }
        return .claim(claim)
    }

    private func end(_ id: String, under lease: Lease? = nil) -> JobRequest {
        .record(
            Sample.finished(Sample.arrival(id, account: "of-\(id)"), body: "body of \(id)"), lease, isUnheard: false,
            Sample.start)
    }

    private func park(_ ids: String..., in batch: BatchInSteps) async throws {
        for id in ids {
            let arrival = Sample.arrival(id, account: "of-\(id)")
            try await batch.ledger.record(Sample.parked(arrival), under: nil, isUnheard: false)
        }
    }

    private func ids(_ outgoing: Set<JobID>) -> [String] { outgoing.map(\.string).sorted() }

    @Test func aJobThatHasMovedIsRefusedAndTheOthersAreWritten() async throws {
        let batch = try await BatchInSteps()
        try await park("e1", "e2", "e3", in: batch)
        let outgoing = try await batch.decide(
            ["n1", "n2", "n3"].map { claim($0) } + ["e1", "e2", "e3"].map { end($0) })
        #expect(
            outgoing.batch.executions.map(\.statement.name) == [
                "add_slots", "save_call_slots", "insert_jobs_with_conditions",
                "update_jobs_with_results_with_all_columns", "undo_slots",
            ])
        try await park("n2", in: batch)
        try await batch.database.run("UPDATE leave_album.jobs SET revision = revision + 1 WHERE job_id = 'e2'")
        #expect(ids(try await batch.write(outgoing)) == ["e2", "n2"])
        #expect(
            try await batch.database.run(
                """
                SELECT convert_from(job_id, 'UTF8'), intent, finished, revision FROM leave_album.jobs ORDER BY 1
                """)
                == "e1|f|t|2\ne2|f|f|2\ne3|f|t|2\nn1|t|f|1\nn2|f|f|1\nn3|t|f|1")
        #expect(
            try await batch.database.run("SELECT convert_from(body, 'UTF8') FROM leave_album.results ORDER BY job_id")
                == "body of e1\nbody of e3")
        #expect(try await batch.ledger.count(of: Sample.day) == DayCount(calls: 2, albumQueries: 0))
        #expect(
            try await batch.database.run(
                "SELECT convert_from(account, 'UTF8'), busy_fence IS NULL FROM leave_album.accounts ORDER BY 1")
                == "of-n1|f\nof-n2|t\nof-n3|f", "what took its slot and was not made has given it back")
        await batch.ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aClaimWhoseSlotAnotherTookIsRefusedAlone() async throws {
        let batch = try await BatchInSteps()
        try await park("b", in: batch)
        let outgoing = try await batch.decide([claim("a"), claim("b", copy: 1), claim("c"), claim("d")])
        // Of a slot that had no row, and of one that it had.
        try await batch.database.run(
            "INSERT INTO leave_album.accounts (account, slot, busy_fence) VALUES ('of-b', 0, 7), ('of-c', 0, 8)")
        #expect(ids(try await batch.write(outgoing)) == ["b", "c"])
        #expect(
            try await batch.database.run(
                "SELECT busy_fence FROM leave_album.accounts WHERE account IN ('of-b', 'of-c') ORDER BY 1") == "7\n8")
        let again = try await batch.decide([claim("b", copy: 1), claim("c")])
        #expect(again.batch.executions.map(\.statement.name).first == "save_call_slots")
        try await batch.database.run("UPDATE leave_album.accounts SET busy_fence = 9 WHERE account = 'of-b'")
        #expect(ids(try await batch.write(again)) == ["b"])
        await batch.ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func whoeverIsTakenForDeadMeanwhileClaimsNothingAndStillRecords() async throws {
        let batch = try await BatchInSteps()
        try await park("known", "ended", in: batch)
        let outgoing = try await batch.decide([claim("new"), claim("known", copy: 1), end("ended")])
        try await batch.database.bury(batch.ledger)
        #expect(ids(try await batch.write(outgoing)) == ["known", "new"])
        #expect(try await batch.database.run("SELECT count(*) FROM leave_album.results") == "1")
        #expect(try await batch.database.run("SELECT count(*) FROM leave_album.accounts WHERE busy_fence > 0") == "0")
        await batch.ledger.close(within: DatabaseLedger.closeTime)
    }

    // MARK: The day

    /// Jobs that are new come first, and then those that the ledger has, each by their ids.
    @Test(arguments: [
        (0, ["k1", "k2", "n1", "n2", "n3"]), (1, ["k1", "k2", "n2", "n3"]), (3, ["k1", "k2"]), (4, ["k2"]), (5, []),
    ]) func whereLessIsLeftOfADayThanABatchAsksForTheFirstGetIt(_ left: Int, _ refused: [String]) async throws {
        let batch = try await BatchInSteps()
        try await park("k1", "k2", in: batch)
        try await batch.database.run(
            """
            INSERT INTO leave_album.day_shares (day, epoch, calls, allotted, at)
            VALUES ('\(Sample.day)', \(batch.epoch), 2, 7, now())
            """)
        let claims =
            ["k1", "k2"].map { claim($0, copy: 1, allottedTo: batch.epoch) }
            + ["n1", "n2", "n3"].map { claim($0, allottedTo: batch.epoch) }
        let outgoing = try await batch.decide(claims)
        try await batch.database.run("UPDATE leave_album.day_shares SET allotted = calls + \(left)")
        #expect(ids(try await batch.write(outgoing)) == refused)
        #expect(
            try await batch.database.run("SELECT calls - 2, allotted - calls FROM leave_album.day_shares")
                == "\(left)|0", "never more than was allotted")
        let again = try await batch.decide(claims)
        let answers = again.plans.filter { refused.contains($0.jobID.string) }.flatMap { $0.answers.map(\.answer) }
        #expect(answers.allSatisfy { $0 == .notAllotted } && answers.count == refused.count)
        await batch.ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func eachDayOfABatchIsCountedWithTheMemberThatClaimed() async throws {
        let batch = try await BatchInSteps()
        var question = Sample.claim(Sample.arrival("question"), kind: .albumQuery)
        question.day = "2027-01-16"
        // Of the member that the process was before.
        let withdrawn = Lease(fence: 9 << 32 | 5, beginsBefore: .distantFuture, isFirstCall: true)
        try await batch.database.run(
            "INSERT INTO leave_album.day_shares (day, epoch, calls, at) VALUES ('\(Sample.day)', 9, 4, now())")
        let first = try await batch.decide([claim("a")])
        #expect(try await batch.write(first).isEmpty)
        try await batch.database.run("UPDATE leave_album.jobs SET fence = \(withdrawn.fence), revision = 1")
        let outgoing = try await batch.decide([
            .claim(question), claim("b"), claim("c"),
            .withdraw(withdrawn, JobID("a"), .call, day: Sample.day, Sample.start),
        ])
        #expect(try await batch.write(outgoing).isEmpty)
        #expect(
            try await batch.database.run(
                "SELECT epoch, calls, probes FROM leave_album.day_shares WHERE day = '\(Sample.day)' ORDER BY 1")
                == "\(batch.epoch)|3|0\n9|3|0")
        #expect(
            try await batch.database.run(
                "SELECT epoch, calls, probes FROM leave_album.day_shares WHERE day <> '\(Sample.day)'")
                == "\(batch.epoch)|0|1")
        await batch.ledger.close(within: DatabaseLedger.closeTime)
    }

    // MARK: One job twice

    @Test func aJobThatABatchBringsTwiceIsClaimedOnce() async throws {
        let batch = try await BatchInSteps()
        let outgoing = try await batch.decide([claim("a"), claim("twice"), claim("twice"), claim("z")])
        let twice = try #require(outgoing.plans.first { $0.jobID == JobID("twice") })
        guard case .claimed(_, batch.fence(1), _, _)? = twice.answers.first?.answer,
            case .refused(.leased)? = twice.answers.last?.answer
        else {
            Issue.record("\(twice.answers)")
            return
        }
        #expect(try await batch.write(outgoing).isEmpty)
        #expect(try await batch.ledger.count(of: Sample.day) == DayCount(calls: 3, albumQueries: 0))
        #expect(
            try await batch.database.run("SELECT fence, revision FROM leave_album.jobs WHERE job_id = 'twice'")
                == "\(batch.fence(1))|1")
        await batch.ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func whatIsClaimedAndRecordedInOneBatchIsWrittenTogether() async throws {
        let batch = try await BatchInSteps()
        let lease = Lease(fence: batch.fence(0), beginsBefore: .distantFuture, isFirstCall: true)
        let outgoing = try await batch.decide([
            .claim(Sample.claim(Sample.arrival("a", account: "of-a"))), end("a", under: lease),
            .mark(.result, JobID("a"), generation: 0),
        ])
        #expect(try await batch.write(outgoing).isEmpty)
        #expect(
            try await batch.database.run(
                """
                SELECT finished, revision, fence, published_at IS NOT NULL FROM leave_album.jobs, leave_album.results
                """) == "t|2|\(lease.fence)|t")
        await batch.ledger.close(within: DatabaseLedger.closeTime)
    }

    // MARK: Marks

    @Test func whatOnlyNotesThatTheBrokerHasAResultReadsNothingAndWritesNoRowOfIt() async throws {
        let database = try await SharedDatabase()
        let seen = Lock<[String]>([])
        let script = PostgresProxy.script(to: database.server.port) { statements in
            seen.withLock { $0 += statements }
            return .pass
        }
        try await RawPeer.serving(script) { peer in
            let ledger = try await database.join(port: peer.port) { $0.heartbeatInterval = .seconds(3_600) }
            try await ledger.record(Sample.finished(Sample.arrival()), under: nil, isUnheard: false)
            seen.withLock { $0 = [] }
            ledger.mark(.result, of: Sample.arrival().jobID, generation: 0)
            await ledger.close(within: DatabaseLedger.closeTime)
            let noted = ["mark_results", "write_outbox"]
            #expect(
                seen.withLock { $0.filter { $0.hasPrefix("load_") || noted.contains($0) } } == ["write_outbox"])
            #expect(try await database.run("SELECT published_at IS NULL, seq FROM leave_album.results") == "t|1")
            #expect(try await database.run("SELECT published_below FROM leave_album.outboxes") == "2")
        }
    }

    // MARK: Accounts

    /// The two parts of a slot's row are written by themselves.
    @Test func aRefusalBesideACallThatWasHeardFreesItsSlotAndWaits() async throws {
        let batch = try await BatchInSteps()
        let arrival = Sample.arrival("a", account: "of-a")
        let lease = try #require(
            try await batch.ledger.lease(arrival, limits: AccountLimits(slots: 1, perMinute: 0)))
        let account = arrival.account
        let ending = JobRequest.record(
            .callEnded(arrival, attempts: 1, isAmbiguous: false, malformedAnswers: 0), lease, isUnheard: false,
            Sample.start)
        let both = try await batch.decide([ending, .refuse(account, .minute, atLeast: .seconds(60), Sample.start)])
        // Another notes one before: this one's answer would not be what holds.
        try await batch.database.run(
            """
            UPDATE leave_album.accounts SET wait_until = date_trunc('milliseconds', now()) + interval '1 hour',
            wait_cause = 'quota_minute', step = 1
            """)
        #expect(try await batch.write(both).count == 1)
        #expect(try await batch.database.run("SELECT busy_fence IS NULL, step FROM leave_album.accounts") == "t|1")
        let again = try await batch.decide([.refuse(account, .minute, atLeast: .seconds(7_200), Sample.start)])
        #expect(try await batch.write(again).isEmpty)
        let wait = "SELECT wait_until > now() + interval '119 minutes', step FROM leave_album.accounts"
        #expect(try await batch.database.run(wait) == "t|1")
        await batch.ledger.close(within: DatabaseLedger.closeTime)
    }
}
