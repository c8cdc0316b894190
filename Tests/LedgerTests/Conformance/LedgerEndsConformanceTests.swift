import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// What every ledger keeps of jobs that ended, of their generations, and of all jobs together.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct LedgerEndsConformanceTests {
    // MARK: Finished

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aFinishedJobGivesItsBytesAndWhatIsUnmarked(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            _ = try await ledger.claim(Sample.claim(arrival))
            try await ledger.record(Sample.finished(arrival, needsDeadLetter: true))
            var finished = FinishedJob(
                generation: 0, result: Sample.result(), resultIsPublished: false, deadLetterIsPublished: false)
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .finished(finished))
            ledger.mark(.deadLetter, of: arrival.jobID, generation: 0)
            finished.deadLetterIsPublished = true
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .finished(finished))
            ledger.mark(.result, of: arrival.jobID, generation: 0)
            finished.resultIsPublished = true
            // Any copy finds it, and none can claim it.
            for copy in [0, 1, 7] {
                let delivery = Sample.arrival(copy: copy)
                #expect(try await ledger.lookUp(delivery, at: Sample.start) == .finished(finished))
                #expect(try await ledger.claim(Sample.claim(delivery)) == .refused(.finished(finished)))
            }
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 0))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func theFirstResultOfAGenerationStaysForEver(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            try await ledger.record(Sample.finished(arrival, body: "first"))
            ledger.mark(.result, of: arrival.jobID, generation: 0)
            try await ledger.record(Sample.finished(arrival, body: "second", needsDeadLetter: true))
            try await ledger.record(Sample.parked(arrival))
            let finished = FinishedJob(
                generation: 0, result: Sample.result(body: "first"), resultIsPublished: true,
                deadLetterIsPublished: true)
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .finished(finished))
        }
    }

    // MARK: Generations

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aRedriveIsFreshRemembersTheDoubtAndStartsItsAttemptsAnew(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let first = Sample.arrival()
            _ = try await ledger.claim(Sample.claim(first))
            try await ledger.record(Sample.finished(first, attempts: 9, isAmbiguous: true, needsDeadLetter: true))
            let redriven = Sample.arrival(generation: 1)
            #expect(
                try await ledger.lookUp(redriven, at: Sample.start) == .fresh(isAmbiguous: true, predecessor: nil))
            #expect(
                try await ledger.claim(Sample.claim(redriven, isAmbiguous: true))
                    == .claimed(Sample.open(generation: 1, isAmbiguous: true)))
            // The older generation gives its own bytes, now and when the newer one has ended.
            #expect(try await ledger.lookUp(first, at: Sample.start) == .superseded(Sample.result()))
            try await ledger.record(Sample.finished(redriven, body: "newer"))
            #expect(try await ledger.lookUp(first, at: Sample.start) == .superseded(Sample.result()))
            #expect(
                try await ledger.claim(Sample.claim(first)) == .refused(.superseded(Sample.result())))
            // And nothing that is recorded of it changes anything.
            #expect(try await ledger.record(Sample.finished(first, body: "late")) == .alreadyEnded)
            #expect(try await ledger.lookUp(first, at: Sample.start) == .superseded(Sample.result()))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aGenerationThatWasSkippedHasNoBytes(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            try await ledger.record(Sample.finished(Sample.arrival(generation: 2)))
            #expect(try await ledger.lookUp(Sample.arrival(generation: 1), at: Sample.start) == .superseded(nil))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aClaimClosesTheOpenGenerationBeforeAndItsResultIsPublished(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let first = Sample.arrival()
            _ = try await ledger.claim(Sample.claim(first, attempts: 3))
            let second = Sample.arrival(generation: 1)
            let predecessor = Sample.open(attempts: 3, isAmbiguous: true)
            let fresh = LookupResult.fresh(isAmbiguous: true, predecessor: predecessor)
            #expect(try await ledger.lookUp(second, at: Sample.start) == fresh)
            #expect(try await ledger.claim(Sample.claim(second)) == .refused(fresh))
            let closing = Sample.result(outcome: .failed, reason: .poison, body: "closed")
            #expect(
                try await ledger.claim(Sample.claim(second, isAmbiguous: true, closing: closing))
                    == .claimed(Sample.open(generation: 1, isAmbiguous: true)))
            #expect(try await ledger.lookUp(first, at: Sample.start) == .superseded(closing))
            // Both results are owed, the older one first; ending the newer one forgets neither.
            try await ledger.record(Sample.finished(second, body: "newer"))
            var unpublished = try await ledger.unpublishedResults(after: nil, limit: 9)
            #expect(unpublished == [UnpublishedResult(jobID: JobID("job-1"), generation: 0, result: closing)])
            ledger.mark(.result, of: JobID("job-1"), generation: 0)
            unpublished = try await ledger.unpublishedResults(after: nil, limit: 9)
            #expect(unpublished.map(\.generation) == [1])
            ledger.mark(.result, of: JobID("job-1"), generation: 1)
            #expect(try await ledger.unpublishedResults(after: nil, limit: 9).isEmpty)
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aLateMarkOfAnOlderGenerationsDeadLetterIsNotTheNewerOnes(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            try await ledger.record(Sample.finished(Sample.arrival(), needsDeadLetter: true))
            let second = Sample.arrival(generation: 1)
            try await ledger.record(Sample.finished(second, needsDeadLetter: true))
            ledger.mark(.deadLetter, of: second.jobID, generation: 0)
            #expect(
                try await ledger.lookUp(second, at: Sample.start)
                    == .finished(
                        FinishedJob(
                            generation: 1, result: Sample.result(generation: 1), resultIsPublished: false,
                            deadLetterIsPublished: false)))
        }
    }

    // MARK: Conflict

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func anotherAccountOrTokenUnderTheIdIsAConflictBeforeAllElse(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            try await ledger.record(Sample.finished(Sample.arrival(generation: 1)))
            for generation in 0...2 {
                for previous in [
                    Sample.arrival(account: "bert", generation: generation),
                    Sample.arrival(token: "other", generation: generation),
                ] {
                    #expect(try await ledger.lookUp(previous, at: Sample.start) == .conflict)
                    #expect(try await ledger.claim(Sample.claim(previous)) == .refused(.conflict))
                }
            }
            let stored = FinishedJob(
                generation: 1, result: Sample.result(generation: 1), resultIsPublished: false,
                deadLetterIsPublished: true)
            #expect(
                try await ledger.lookUp(Sample.arrival(generation: 1), at: Sample.start) == .finished(stored))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func composedAndDecomposedNamesAreTwo(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let (composed, decomposed) = ("zo\u{EB}", "zoe\u{308}")
            #expect(composed == decomposed, "Swift's own equality folds them, which is why identities are bytes")
            try await ledger.record(Sample.finished(Sample.arrival(account: composed)))
            #expect(try await ledger.lookUp(Sample.arrival(account: decomposed), at: Sample.start) == .conflict)
            try await ledger.record(Sample.finished(Sample.arrival(decomposed)))
            #expect(
                try await ledger.lookUp(Sample.arrival(composed), at: Sample.start)
                    == .fresh(isAmbiguous: false, predecessor: nil))
            // Bytes that a C string or a collation would cut or fold.
            for id in ["a", "A", "a\0b", "a\0", "a ", "%", "'", "\u{10FFFF}"] {
                try await ledger.record(Sample.finished(Sample.arrival(id), body: id))
            }
            for id in ["a", "A", "a\0b", "a\0", "a ", "%", "'", "\u{10FFFF}"] {
                let found = try await ledger.lookUp(Sample.arrival(id), at: Sample.start)
                guard case .finished(let job) = found else {
                    Issue.record("\(Array(id.utf8)) was lost: \(found)")
                    continue
                }
                #expect(job.result == Sample.result(id, body: id))
                #expect(job.result.correlationID.map { Array($0.utf8) } == Array(id.utf8))
            }
        }
    }

    // MARK: Counts, lists, the lost

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func theDayCountsClaimsByKindAndNothingElse(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            for kind in [Claim.Kind.call, .albumQuery, .call] {
                _ = try await ledger.claim(Sample.claim(arrival, kind: kind, isAmbiguous: true))
            }
            _ = try await ledger.claim(Sample.claim(arrival, day: "2027-01-16", isAmbiguous: true))
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 2, albumQueries: 1))
            #expect(try await ledger.count(of: "2027-01-16") == DayCount(calls: 1, albumQueries: 0))
            #expect(try await ledger.count(of: "2027-01-17") == DayCount(calls: 0, albumQueries: 0))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func unpublishedResultsComeInPages(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            for number in 10..<15 {
                try await ledger.record(Sample.finished(Sample.arrival("job-\(number)")))
            }
            ledger.mark(.result, of: JobID("job-12"), generation: 0)
            var ids: [String] = []
            var last: JobID?
            while true {
                let page = try await ledger.unpublishedResults(after: last, limit: 2)
                ids += page.map(\.jobID.string)
                guard page.count == 2 else { break }
                last = page.last?.jobID
            }
            #expect(ids == ["job-10", "job-11", "job-13", "job-14"])
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobWhoseCopyNeverCameEndsOnlyIfItDidNotMove(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            for (index, id) in ["unmarked", "later", "early", "moves"].enumerated() {
                let due = Sample.start + .seconds(60 - index)
                try await ledger.record(Sample.parked(Sample.arrival(id), due: due))
                if id != "unmarked" { ledger.mark(.copy(1), of: JobID(id), generation: 0) }
            }
            let late = try await ledger.overdue(before: Sample.start + .seconds(60), limit: 9)
            #expect(late.map(\.jobID.string) == ["moves", "early", "later"])
            #expect(try await ledger.overdue(before: Sample.start + .seconds(58), limit: 9).count == 1)
            #expect(try await ledger.overdue(before: Sample.start + .seconds(60), limit: 1).count == 1)

            // An older delivery takes its place in the meantime, by a claim that leaves the same numbers.
            let taken = Sample.claim(Sample.arrival("moves"), at: Sample.late + .seconds(60), attempts: 1)
            guard case .claimed = try await ledger.claim(taken) else {
                Issue.record("it was overdue")
                return
            }
            #expect(try await !ledger.finishLost(late[0], result: Sample.result("moves")))
            let lost = Sample.result("early", outcome: .failed, reason: .jobLost)
            #expect(try await ledger.finishLost(late[1], result: lost))
            #expect(try await !ledger.finishLost(late[1], result: Sample.result("early", body: "second")))
            #expect(
                try await ledger.lookUp(Sample.arrival("early"), at: Sample.start)
                    == .finished(
                        FinishedJob(
                            generation: 0, result: lost, resultIsPublished: false, deadLetterIsPublished: true)))
        }
    }

    /// Whoever looks for what went unheard finds no calls whose answer is awaited. In a database that is said by leases,
    /// which end at once in this suite: `PostgresMaintenanceTests`.
    @Test(arguments: LedgerUnderTest.Kind.allCases.filter { $0 != .postgres })
    func callsOnTheirWayAreNotThoseThatWentUnheard(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            func doubts() async throws -> [Int?] {
                let statistics = try await ledger.statistics()
                return [statistics.ambiguous, statistics.calling]
            }
            let (heard, unheard) = (Sample.arrival("heard"), Sample.arrival("unheard"))
            _ = try await ledger.claim(Sample.claim(heard))
            _ = try await ledger.claim(Sample.claim(unheard))
            #expect(try await doubts() == [2, 2])
            try await ledger.record(Sample.parked(unheard, isAmbiguous: true))
            #expect(try await doubts() == [2, 1])
            try await ledger.record(Sample.finished(heard))
            #expect(try await doubts() == [1, 0])
            // It is called once more, and what went unheard before still did.
            let copy = Sample.arrival("unheard", copy: 1)
            _ = try await ledger.claim(Sample.claim(copy, at: Sample.start + .seconds(3_600)))
            #expect(try await doubts() == [1, 0])
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func statisticsCountWhatIsOpenAndUnpublished(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            _ = try await ledger.claim(Sample.claim(Sample.arrival("calling")))
            try await ledger.record(Sample.parked(Sample.arrival("parked")))
            try await ledger.record(Sample.finished(Sample.arrival("owed"), needsDeadLetter: true))
            try await ledger.record(Sample.finished(Sample.arrival("done")))
            ledger.mark(.result, of: JobID("done"), generation: 0)
            let statistics = try await ledger.statistics()
            #expect(statistics.entries == 4)
            #expect(statistics.open == 2)
            #expect(statistics.ambiguous == 1)
            #expect(statistics.calling == (kind == .postgres ? 0 : 1), "in the database its lease has ended")
            #expect(statistics.unpublished == 1)
            #expect(statistics.unpublishedDeadLetters == 1)
        }
    }
}
