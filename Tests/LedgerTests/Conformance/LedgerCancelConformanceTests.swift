import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// An operator's last word, as every ledger keeps it.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct LedgerCancelConformanceTests {
    private let id = JobID("job-1")

    private func cancelled(_ answer: CancelAnswer) throws -> CancelledJob {
        guard case .open(let job) = answer else {
            Issue.record("it is open, and the ledger says \(answer)")
            throw CancellationError()
        }
        return job
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobThatNobodyKnowsEndsWhenItComesWhateverItsCopySays(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            #expect(try await ledger.cancelForGood(id, newest: nil, at: Sample.start) == .remembered)
            #expect(try await ledger.cancelForGood(id, newest: 3, at: Sample.start) == .remembered)
            for arrival in [Sample.arrival(), Sample.arrival(copy: 2, attempts: 2), Sample.arrival(isAmbiguous: true)] {
                #expect(try await ledger.lookUp(arrival, at: Sample.start) == .cancelled(nil))
                let claim = Sample.claim(arrival, presumesNew: arrival.copy == 0)
                #expect(try await ledger.claim(claim) == .refused(.cancelled(nil)))
            }
            // The word is for one job, and is spent with its end: the letter may be redriven.
            #expect(
                try await ledger.lookUp(Sample.arrival("job-2"), at: Sample.start)
                    == .fresh(isAmbiguous: false, predecessor: nil))
            try await ledger.record(Sample.finished(Sample.arrival(), needsDeadLetter: true))
            #expect(
                try await ledger.lookUp(Sample.arrival(generation: 1), at: Sample.start)
                    == .fresh(isAmbiguous: false, predecessor: nil))
        }
    }

    @Test(
        "a claim that closes the older generation spends the word that was said of it",
        arguments: LedgerUnderTest.Kind.allCases)
    func closedByAClaim(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            _ = try await ledger.claim(Sample.claim(Sample.arrival()))
            _ = try cancelled(try await ledger.cancelForGood(id, newest: 0, at: Sample.start))
            let newer = Sample.arrival(generation: 1)
            let closing = Sample.result(outcome: .failed, reason: .poison, body: "closed")
            let open = Sample.open(generation: 1, isAmbiguous: true)
            let claim = Sample.claim(newer, isAmbiguous: true, closing: closing)
            #expect(try await ledger.claim(claim) == .claimed(open))
            #expect(try await ledger.lookUp(newer, at: Sample.start) == .resumed(open))
        }
    }

    /// As after a crash between the two: no call is made, and the end is found whoever comes first.
    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func anOpenJobIsEndedByWhoeverComesFirst(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            _ = try await ledger.claim(Sample.claim(arrival))
            let job = try cancelled(try await ledger.cancelForGood(id, newest: 0, at: Sample.start))
            #expect(job.hasCalled && job.open.isAmbiguous && job.account == AccountID("anna"))
            let open = Sample.open(isAmbiguous: true)
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .cancelled(open))
            #expect(try await ledger.claim(Sample.claim(arrival)) == .refused(.cancelled(open)))

            let result = Sample.result(outcome: .failed, reason: .cancelled, body: "cancelled")
            #expect(try await ledger.finishCancelled(job, result: result))
            #expect(try await !ledger.finishCancelled(job, result: Sample.result(body: "another")))
            let unpublished = FinishedJob(
                generation: 0, result: result, resultIsPublished: false, deadLetterIsPublished: false)
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .finished(unpublished))
            #expect(try await ledger.unpublishedResults(after: nil, limit: 9).map(\.result) == [result])
            #expect(try await ledger.statistics().unpublishedDeadLetters == 1)
            // What its worker would still record changes nothing.
            try await ledger.record(Sample.finished(arrival, body: "late"))
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .finished(unpublished))
            #expect(try await ledger.cancelForGood(id, newest: 0, at: Sample.start) == .ended(result))
            // A call that was cut off is in doubt in the next generation too.
            #expect(
                try await ledger.lookUp(Sample.arrival(generation: 1), at: Sample.start)
                    == .fresh(isAmbiguous: true, predecessor: nil))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aParkedJobEndsAndItsCopyFindsThat(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            try await ledger.record(Sample.parked(arrival, attempts: 0))
            let early = try cancelled(try await ledger.cancelForGood(id, newest: nil, at: Sample.start))
            #expect(!early.hasCalled, "a parking alone is no call")
            // Its copy is confirmed meanwhile: what was seen is not what is.
            ledger.mark(.copy(1), of: id, generation: 0)
            #expect(try await !ledger.finishCancelled(early, result: Sample.result()))
            let job = try cancelled(try await ledger.cancelForGood(id, newest: nil, at: Sample.start))
            #expect(try await ledger.finishCancelled(job, result: Sample.result(outcome: .failed, reason: .cancelled)))
            guard case .finished = try await ledger.lookUp(Sample.arrival(copy: 1), at: Sample.late) else {
                Issue.record("its copy finds no end")
                return
            }
            #expect(try await ledger.overdue(before: Sample.late + .seconds(9_999), limit: 9).isEmpty)
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aNewerGenerationInFlightEndsAndWhatHasEndedStays(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            try await ledger.record(Sample.finished(Sample.arrival(), isAmbiguous: true, needsDeadLetter: true))
            let ended = CancelAnswer.ended(Sample.result())
            #expect(try await ledger.cancelForGood(id, newest: nil, at: Sample.start) == ended)
            #expect(try await ledger.cancelForGood(id, newest: 0, at: Sample.start) == ended)
            #expect(
                try await ledger.lookUp(Sample.arrival(generation: 1), at: Sample.start)
                    == .fresh(isAmbiguous: true, predecessor: nil), "no word is kept of what had ended")
            #expect(try await ledger.cancelForGood(id, newest: 1, at: Sample.start) == .remembered)
            let next = Sample.open(generation: 1, isAmbiguous: true, called: false)
            let redriven = Sample.arrival(generation: 1)
            #expect(try await ledger.lookUp(redriven, at: Sample.start) == .cancelled(next))
            #expect(try await ledger.claim(Sample.claim(redriven)) == .refused(.cancelled(next)))
            try await ledger.record(Sample.finished(redriven, body: "cancelled", needsDeadLetter: true))
            #expect(
                try await ledger.lookUp(Sample.arrival(generation: 2), at: Sample.start)
                    == .fresh(isAmbiguous: true, predecessor: nil))
        }
    }
}
