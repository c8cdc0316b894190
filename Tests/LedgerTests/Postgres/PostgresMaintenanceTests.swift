import Clocks
import Jobs
import Secrets
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What only a ledger in PostgreSQL does beside `KeepingConformanceTests`.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct PostgresMaintenanceTests {
    @Test func aJobWhoseLastCallMayStillArriveStays() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        let lease = try #require(try await ledger.lease())
        let record = Sample.finished(Sample.arrival(), isAmbiguous: true)
        try await ledger.record(record, under: lease, isUnheard: true)
        ledger.mark(.result, of: JobID("job-1"), generation: 0)
        #expect(try await ledger.forget(JobID("job-1")) == .needed)
        #expect(try await ledger.prune(before: Timestamp(milliseconds: .max)) == 0)
        try await database.endLeases()
        #expect(try await ledger.forget(JobID("job-1")) == .forgotten)
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aCallIsOnItsWayForAsLongAsItsLeaseAndThenItWentUnheard() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        func doubts() async throws -> [Int?] {
            let statistics = try await ledger.statistics()
            return [statistics.ambiguous, statistics.calling]
        }
        _ = try #require(try await ledger.lease())
        // However long the machine takes to ask.
        try await database.run("UPDATE leave_album.jobs SET call_until = now() + interval '1 hour'")
        #expect(try await doubts() == [1, 1])
        #expect(try await ledger.approximateStatistics().calling == 1)
        try await database.endLeases()
        #expect(try await doubts() == [1, 0])
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// However short the retention is: what is taken away of a day that runs would be spent again.
    @Test func whatIsCountedOfADayThatRunsIsNeverPruned() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        for days in [0, 1, 5] {
            try await database.run(
                """
                INSERT INTO leave_album.day_shares (day, epoch, calls, at)
                SELECT to_char(now() AT TIME ZONE 'UTC' - interval '\(days) days', 'YYYY-MM-DD'), 1, 7,
                now() - interval '\(days) days 2 hours'
                """)
        }
        _ = try await ledger.prune(before: ledger.clusterClock.wall() - .seconds(3_600))
        #expect(try await database.run("SELECT count(*), sum(calls) FROM leave_album.day_shares") == "2|14")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// A sample is of whole blocks; of all of them it is the count.
    @Test func aLargeTableOfJobsIsCountedInASampleAndSaysSo() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        try await database.run(
            """
            INSERT INTO leave_album.jobs (job_id, account, token_sha256, generation, copy, attempts, malformed, ambiguous,
            intent, copy_published, finished, cancelled, first_seen, changed, revision, fence, deaths)
            SELECT convert_to('j' || n, 'UTF8'), 'a', decode(repeat('00', 32), 'hex'), 0, 0, 1, 0, n % 20 = 0, false, true,
            n % 10 <> 0, 0, now(), now(), 1, 0, 0 FROM generate_series(1, 20000) n
            """)
        let exact = try await ledger.statistics()
        #expect((exact.entries, exact.open, exact.ambiguous) == (20_000, 2_000, 1_000))
        #expect(!exact.isEstimated && exact.countingTime != nil)
        let whole = try await ledger.approximateStatistics()
        #expect((whole.entries, whole.open, whole.ambiguous) == (20_000, 2_000, 1_000))
        #expect(!whole.isEstimated)
        let part = try await ledger.reader.ask(
            LedgerStatistics.sample(at: ledger.clock.wall(), .nobody, bytes: 1 << 20))
        #expect(part.isEstimated)
        // A hundred blocks and more: a tenth of deviation, of which these are four and more.
        #expect((12_000...28_000).contains(part.entries), "\(part.entries)")
        #expect((1_200...2_800).contains(part.open), "\(part.open)")
        #expect((500...1_500).contains(part.ambiguous), "\(part.ambiguous)")
        let again = try await ledger.reader.ask(
            LedgerStatistics.sample(at: ledger.clock.wall(), .nobody, bytes: 1 << 20))
        #expect((again.entries, again.open) == (part.entries, part.open), "the same blocks")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aHistoryOfTwoMembersHasTheLinesOfBoth() async throws {
        let database = try await SharedDatabase()
        let (one, two) = (try await database.join("a"), try await database.join("b"))
        try await one.record(Sample.parked(Sample.arrival()), under: nil, isUnheard: false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await (number % 2 == 0 ? one : two).write(
                        JobEvent(
                            jobID: JobID("job-1"), generation: 0, at: Sample.start, kind: "called", detail: "\(number)")
                    )
                }
            }
            try await group.waitForAll()
        }
        let details = try await one.history(of: JobID("job-1"))?.events.map(\.detail) ?? []
        #expect(Set(details) == Set((0..<40).map { "\($0)" }) && details.count == 40)
        await one.close(within: DatabaseLedger.closeTime)
        await two.close(within: DatabaseLedger.closeTime)
    }

    @Test func verifyNamesWhatContradictsItself() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        try await ledger.record(Sample.finished(Sample.arrival()), under: nil, isUnheard: false)
        try await ledger.write(
            JobEvent(jobID: JobID("job-1"), generation: 0, at: Sample.start, kind: "called", detail: ""))
        #expect(try await ledger.verify() == [])
        for (change, undo, found) in [
            (
                "UPDATE leave_album.results SET generation = 9", "UPDATE leave_album.results SET generation = 0",
                ["1 finished jobs without a stored result", "1 results of generations that have not ended"]
            ),
            (
                "UPDATE leave_album.jobs SET intent = true", "UPDATE leave_album.jobs SET intent = false",
                ["1 finished jobs with an open call or copy"]
            ),
            (
                "UPDATE leave_album.history SET job_id = 'nobody'", "UPDATE leave_album.history SET job_id = 'job-1'",
                ["1 lines of histories without a job"]
            ),
        ] {
            try await database.run(change)
            #expect(try await ledger.verify() == found)
            try await database.run(undo)
        }
        await #expect(throws: LedgerError.self) { try await ledger.backUp(to: "/nowhere") }
        await ledger.close(within: DatabaseLedger.closeTime)
    }
}
