import Clocks
import Jobs
import Secrets
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What the daemon and operators ask of a ledger beside its jobs, of one in PostgreSQL: as `MaintenanceTests` has it of a
/// file.
@Suite(.withADatabase, .timeLimit(.minutes(10))) struct PostgresMaintenanceTests {
    private func with(_ body: (DatabaseLedger, SoleWorker, StoppedClock) async throws -> Void) async throws {
        let clock = StoppedClock()
        let ledger = try await DatabaseLedger.opened(clock: clock)
        try await body(ledger, SoleWorker(ledger), clock)
        #expect(try await ledger.verify() == [])
        #expect(await ledger.close(within: DatabaseLedger.closeTime) == 0)
    }

    private func settle(_ ledger: any JobLedger, _ id: String, account: String = "anna") async throws {
        try await ledger.record(Sample.finished(Sample.arrival(id, account: account), needsDeadLetter: true))
        ledger.mark(.result, of: JobID(id), generation: 0)
        ledger.mark(.deadLetter, of: JobID(id), generation: 0)
    }

    @Test func pruningTakesSettledOldJobsAndNothingElse() async throws {
        try await with { ledger, worker, clock async throws in
            for number in 0..<230 { try await settle(worker, "old-\(number)") }
            try await ledger.write(
                JobEvent(jobID: JobID("old-1"), generation: 0, at: Sample.start, kind: "called", detail: "row 31"))
            _ = try await worker.claim(Sample.claim(Sample.arrival("calling")))
            try await worker.record(Sample.parked(Sample.arrival("parked")))
            try await worker.record(Sample.finished(Sample.arrival("no-result"), needsDeadLetter: true))
            ledger.mark(.deadLetter, of: JobID("no-result"), generation: 0)
            try await worker.record(Sample.finished(Sample.arrival("no-letter"), needsDeadLetter: true))
            ledger.mark(.result, of: JobID("no-letter"), generation: 0)
            // The newest generation is settled, an older one's result is not published.
            _ = try await worker.claim(Sample.claim(Sample.arrival("older")))
            let second = Sample.arrival("older", generation: 1)
            _ = try await worker.claim(Sample.claim(second, isAmbiguous: true, closing: Sample.result("older")))
            try await worker.record(Sample.finished(second))
            ledger.mark(.result, of: JobID("older"), generation: 1)
            // A cancel of a job that never came.
            #expect(try await ledger.cancel(JobID("cancelled"), at: Sample.start))
            clock.advance(by: .seconds(3_600))
            try await settle(worker, "young")

            #expect(try await ledger.prune(before: Sample.start + .seconds(3_600)) == 230)
            for id in ["calling", "parked", "no-result", "no-letter", "older", "young"] {
                #expect(try await ledger.history(of: JobID(id)) != nil, "\(id)")
            }
            #expect(try await ledger.statistics().entries == 6)
            #expect(try await ledger.history(of: JobID("old-1")) == nil)
            let states = try await ledger.statuses(of: [JobID("old-1"), JobID("cancelled")]).map(\.state)
            #expect(states == [.unknown, .unknown])
            #expect(
                try await ledger.lookUp(Sample.arrival("old-1"), at: clock.wall())
                    == .fresh(isAmbiguous: false, predecessor: nil))
        }
    }

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

    @Test func pruningTakesOldDaysAndEndedHolds() async throws {
        try await with { ledger, worker, _ async throws in
            _ = try await worker.claim(Sample.claim(Sample.arrival(), day: "old"))
            _ = try await worker.claim(
                Sample.claim(Sample.arrival("job-2"), day: "new", at: Sample.start + .seconds(100)))
            let end = Sample.start + .seconds(10)
            ledger.recordHold(.rateLimited, since: Sample.start, until: end, detail: "ended")
            ledger.recordHold(.apiRetired, since: Sample.start, until: nil, detail: "lasts")
            _ = try await ledger.prune(before: Sample.start + .seconds(50))
            #expect(try await ledger.count(of: "old") == DayCount(calls: 0, albumQueries: 0))
            #expect(try await ledger.count(of: "new") == DayCount(calls: 1, albumQueries: 0))
            let holds = try await ledger.holds(from: Sample.start, to: end)
            #expect(holds.map(\.cause) == [.apiRetired])
        }
    }

    @Test func whatIsNeededIsNotForgotten() async throws {
        try await with { ledger, worker, _ async throws in
            _ = try await worker.claim(Sample.claim(Sample.arrival("open")))
            try await worker.record(Sample.finished(Sample.arrival("unpublished")))
            for id in ["open", "unpublished"] { #expect(try await ledger.forget(JobID(id)) == .needed) }
            #expect(try await ledger.forget(JobID("nobody")) == .unknown)
            for number in 0..<130 { try await settle(worker, "settled-\(number)") }
            try await settle(worker, "other", account: "bert")
            let answer = try await ledger.forget(account: AccountID("anna"))
            #expect(answer.forgotten == 130)
            #expect(answer.needed == 2)
            #expect(try await ledger.history(of: JobID("other")) != nil)
        }
    }

    @Test func aHistoryHasTheRowItsNewestLinesAndTheHoldsInBetween() async throws {
        try await with { ledger, worker, clock async throws in
            let arrival = Sample.arrival()
            ledger.recordHold(
                .rateLimited, since: Sample.start - .seconds(60), until: Sample.start - .seconds(1), detail: "before")
            ledger.recordHold(.tlsTrust, since: Sample.start + .seconds(1), until: nil, detail: "unknown CA\n")
            _ = try await worker.claim(Sample.claim(arrival))
            for number in 0..<70 {
                ledger.note(
                    JobEvent(
                        jobID: arrival.jobID, generation: 0, at: Sample.start, kind: "called", detail: "row \(number)\0"
                    ))
            }
            ledger.note(JobEvent(jobID: JobID("nobody"), generation: 0, at: Sample.start, kind: "called", detail: ""))
            var history = try #require(try await ledger.history(of: arrival.jobID))
            #expect(history.state == .open(Sample.open(isAmbiguous: true), isCalling: true))
            #expect(history.events.map(\.detail) == (6..<70).map { "row \($0) " })
            #expect(history.holds.map(\.detail) == ["unknown CA "])
            #expect(history.tokenHash == arrival.tokenHash.hexadecimal)

            ledger.recordHold(
                .tlsTrust, since: Sample.start + .seconds(1), until: Sample.start + .seconds(5), detail: "mended")
            clock.advance(by: .seconds(9))
            try await worker.record(Sample.finished(arrival, attempts: 2, needsDeadLetter: true))
            history = try #require(try await ledger.history(of: arrival.jobID))
            #expect(history.state == .finished(resultIsPublished: false, deadLetterIsPublished: false))
            #expect(history.results == [Sample.result()])
            #expect(history.changedAt == Sample.start + .seconds(9))
            #expect(history.holds.map(\.until) == [Sample.start + .seconds(5)])
            #expect(try await ledger.history(of: JobID("nobody")) == nil)
        }
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

    @Test func storedResultsComeInOrderOfCompletionPageByPage() async throws {
        try await with { ledger, worker, _ async throws in
            for number in 0..<7 {
                // Two in each millisecond, so that a page may end between them.
                let time = Sample.start + .milliseconds(number / 2)
                try await worker.record(Sample.finished(Sample.arrival("job-\(number)"), at: time))
            }
            var ids: [String] = []
            var last: ResultCursor?
            while true {
                let page = try await ledger.results(since: Sample.start + .milliseconds(1), after: last, limit: 3)
                ids += page.map(\.jobID.string)
                guard let end = page.last else { break }
                last = end.cursor
            }
            #expect(ids == ["job-2", "job-3", "job-4", "job-5", "job-6"])
        }
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
