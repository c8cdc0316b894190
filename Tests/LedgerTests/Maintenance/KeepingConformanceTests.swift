import Clocks
import Jobs
import Secrets
import Testing

@testable import Ledger
@testable import PostgresLedger
@testable import SQLiteLedger

/// What the daemon and operators ask of a ledger beside its jobs, of each that there is.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct KeepingConformanceTests {
    enum Kind: String, CaseIterable, Sendable {
        case sqlite
        case postgres

        /// Jobs that are pruned or forgotten in more than one slice.
        var severalSlices: Int {
            switch self {
            case .sqlite: 1_203
            case .postgres: 230
            }
        }
    }

    /// A ledger, whose clock says how old its jobs are, and it again as its only worker.
    private func with(
        _ kind: Kind, _ body: (any LedgerKeeping, any JobLedger, StoppedClock) async throws -> Void
    ) async throws {
        let clock = StoppedClock()
        let folder = TemporaryFolder()
        let ledger: any LedgerKeeping
        let worker: any JobLedger
        switch kind {
        case .sqlite:
            let opened = try EmbeddedLedger.opened(folder, clock: clock)
            (ledger, worker) = (opened, opened)
        case .postgres:
            let opened = try await DatabaseLedger.opened(clock: clock)
            (ledger, worker) = (opened, SoleWorker(opened))
        }
        try await body(ledger, worker, clock)
        #expect(try await ledger.verify() == [])
        #expect(await ledger.close(within: EmbeddedLedger.closeTime) == 0)
    }

    private func settle(_ ledger: any JobLedger, _ id: String, account: String = "anna") async throws {
        try await ledger.record(Sample.finished(Sample.arrival(id, account: account), needsDeadLetter: true))
        ledger.mark(.result, of: JobID(id), generation: 0)
        ledger.mark(.deadLetter, of: JobID(id), generation: 0)
    }

    @Test(arguments: Kind.allCases) func pruningTakesSettledOldJobsAndNothingElse(_ kind: Kind) async throws {
        try await with(kind) { ledger, worker, clock async throws in
            for number in 0..<kind.severalSlices { try await settle(worker, "old-\(number)") }
            try await ledger.write(
                JobEvent(jobID: JobID("old-1"), generation: 0, at: Sample.start, kind: "called", detail: "row 31"))
            // Old too, but open, or owing the broker something.
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

            let before = ledger.commits.count
            #expect(try await ledger.prune(before: Sample.start + .seconds(3_600)) == kind.severalSlices)
            // In slices, so that others come in between. A database's are not the ledger's own commits.
            if kind == .sqlite { #expect(ledger.commits.count - before >= 3) }
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

    @Test(arguments: Kind.allCases) func pruningTakesOldDaysAndEndedHolds(_ kind: Kind) async throws {
        try await with(kind) { ledger, worker, _ async throws in
            _ = try await worker.claim(Sample.claim(Sample.arrival(), day: "2020-02-29"))
            _ = try await worker.claim(
                Sample.claim(Sample.arrival("job-2"), day: "new", at: Sample.start + .seconds(100)))
            let end = Sample.start + .seconds(10)
            ledger.recordHold(.rateLimited, since: Sample.start, until: end, detail: "ended")
            ledger.recordHold(.apiRetired, since: Sample.start, until: nil, detail: "lasts")
            _ = try await ledger.prune(before: Sample.start + .seconds(50))
            #expect(try await ledger.count(of: "2020-02-29") == DayCount(calls: 0, albumQueries: 0))
            #expect(try await ledger.count(of: "new") == DayCount(calls: 1, albumQueries: 0))
            let holds = try await ledger.holds(from: Sample.start, to: end)
            #expect(holds.map(\.cause) == [.apiRetired])
        }
    }

    @Test(arguments: Kind.allCases) func whatIsNeededIsNotForgotten(_ kind: Kind) async throws {
        try await with(kind) { ledger, worker, _ async throws in
            _ = try await worker.claim(Sample.claim(Sample.arrival("open")))
            try await worker.record(Sample.finished(Sample.arrival("unpublished")))
            for id in ["open", "unpublished"] { #expect(try await ledger.forget(JobID(id)) == .needed) }
            #expect(try await ledger.forget(JobID("nobody")) == .unknown)
            for number in 0..<kind.severalSlices { try await settle(worker, "settled-\(number)") }
            try await settle(worker, "other", account: "bert")
            let answer = try await ledger.forget(account: AccountID("anna"))
            #expect(answer.forgotten == kind.severalSlices)
            #expect(answer.needed == 2)
            #expect(try await ledger.history(of: JobID("other")) != nil)
        }
    }

    @Test(arguments: Kind.allCases) func aHistoryHasTheRowItsNewestLinesAndTheHoldsInBetween(_ kind: Kind) async throws
    {
        try await with(kind) { ledger, worker, clock async throws in
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
            #expect(history.holds.first?.until == nil)
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

    @Test(arguments: Kind.allCases) func storedResultsComeInOrderOfCompletionPageByPage(_ kind: Kind) async throws {
        try await with(kind) { ledger, worker, _ async throws in
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
}
