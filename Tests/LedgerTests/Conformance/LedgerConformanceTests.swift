import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// What every ledger says of a job that has not ended: each answer of `lookUp` and `claim`, told as what happened
/// before.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct LedgerConformanceTests {
    // MARK: Fresh

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobNeverSeenIsFreshAndLookingLeavesNoTrace(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            for _ in 0..<2 {
                #expect(
                    try await ledger.lookUp(Sample.arrival(), at: Sample.start)
                        == .fresh(isAmbiguous: false, predecessor: nil))
            }
            #expect(try await ledger.statistics().entries == 0)
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aLostLedgerBelievesTheCopy(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let copy = Sample.arrival(copy: 3, attempts: 4, isAmbiguous: true)
            #expect(
                try await ledger.lookUp(copy, at: Sample.start) == .fresh(isAmbiguous: true, predecessor: nil))
            #expect(
                try await ledger.claim(Sample.claim(copy))
                    == .claimed(Sample.open(copy: 3, attempts: 4, isAmbiguous: true)))
            #expect(try await ledger.record(Sample.parked(copy, attempts: 5)) == .copy(4))
        }
    }

    // MARK: Presumed new

    /// What `presumesNew` is refused with after `happened`, and that the refusal leaves no trace.
    private func refusal(
        _ kind: LedgerUnderTest.Kind, of arrival: Arrival = Sample.arrival(),
        after happened: (any JobLedger) async throws -> Void
    ) async throws -> LookupResult? {
        var refusal: LookupResult?
        try await withLedger(kind) { ledger async throws in
            try await happened(ledger)
            let (calls, lookup) = (
                try await ledger.count(of: Sample.day), try await ledger.lookUp(arrival, at: Sample.start)
            )
            guard case .refused(let found) = try await ledger.claim(Sample.claim(arrival, presumesNew: true)) else {
                return
            }
            #expect(try await ledger.count(of: Sample.day) == calls)
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == lookup)
            #expect(found == lookup)
            refusal = found
        }
        return refusal
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobThatIsPresumedNewAndIsIsClaimed(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            #expect(
                try await ledger.claim(Sample.claim(arrival, presumesNew: true)) == .claimed(Sample.open()))
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .resumed(Sample.open(isAmbiguous: true)))
            // The next generation of one that ended without doubt is as new.
            try await ledger.record(Sample.finished(arrival))
            let next = Sample.arrival(generation: 1)
            #expect(
                try await ledger.claim(Sample.claim(next, presumesNew: true)) == .claimed(Sample.open(generation: 1)))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobThatIsPresumedNewAndIsKnownIsRefusedWithWhatItIs(_ kind: LedgerUnderTest.Kind) async throws {
        let arrival = Sample.arrival()
        #expect(
            try await refusal(kind) { _ = try await $0.claim(Sample.claim(arrival)) }
                == .resumed(Sample.open(isAmbiguous: true)))
        #expect(
            try await refusal(kind) { try await $0.record(Sample.parked(arrival)) }
                == .unparked(
                    Sample.open(
                        copy: 1, attempts: 1, called: false, due: Sample.start + .seconds(30), copyIsPublished: false)))
        #expect(
            try await refusal(kind) { try await $0.record(Sample.finished(arrival)) }
                == .finished(
                    FinishedJob(
                        generation: 0, result: Sample.result(), resultIsPublished: false, deadLetterIsPublished: true)))
        #expect(
            try await refusal(kind, of: Sample.arrival(account: "bert")) {
                _ = try await $0.claim(Sample.claim(arrival))
            } == .conflict)
        #expect(
            try await refusal(kind) { _ = try await $0.cancel(arrival.jobID, at: Sample.start) } == .cancelled(nil))
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobThatIsPresumedNewAndMayHaveCalledIsRefused(_ kind: LedgerUnderTest.Kind) async throws {
        #expect(
            try await refusal(kind, of: Sample.arrival(isAmbiguous: true)) { _ in }
                == .fresh(isAmbiguous: true, predecessor: nil))
        #expect(
            try await refusal(kind, of: Sample.arrival(generation: 1)) {
                try await $0.record(Sample.finished(Sample.arrival(), isAmbiguous: true))
            } == .fresh(isAmbiguous: true, predecessor: nil))
        #expect(
            try await refusal(kind, of: Sample.arrival(generation: 1)) {
                try await $0.record(
                    .parked(Sample.arrival(), attempts: 0, isAmbiguous: false, malformedAnswers: 0, due: Sample.start))
            }
                == .fresh(
                    isAmbiguous: false,
                    predecessor: Sample.open(copy: 1, called: false, due: Sample.start, copyIsPublished: false)))
    }

    // MARK: Cancelled

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aCancelledJobIsNeverClaimedWheneverItComes(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            #expect(try await ledger.cancel(arrival.jobID, at: Sample.start))
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .cancelled(nil))
            #expect(try await ledger.claim(Sample.claim(arrival)) == .refused(.cancelled(nil)))
            try await ledger.record(Sample.finished(arrival))
            guard case .finished = try await ledger.lookUp(arrival, at: Sample.start) else {
                Issue.record("it has ended")
                return
            }
            #expect(try await ledger.cancel(arrival.jobID, at: Sample.start) == false, "its own result stands")
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobThatWaitsWithoutACallCanBeCancelledAndOneThatCalledCannot(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let waiting = Sample.arrival("waiting")
            _ = try await ledger.record(
                .parked(waiting, attempts: 0, isAmbiguous: false, malformedAnswers: 0, due: Sample.start))
            ledger.mark(.copy(1), of: waiting.jobID, generation: 0)
            #expect(try await ledger.cancel(waiting.jobID, at: Sample.start))
            guard case .cancelled(.some) = try await ledger.lookUp(Sample.arrival("waiting", copy: 1), at: Sample.start)
            else {
                Issue.record("the copy finds the wish")
                return
            }
            let called = Sample.arrival("called")
            _ = try await ledger.claim(Sample.claim(called))
            #expect(try await ledger.cancel(called.jobID, at: Sample.start) == false)
            // A question is no call.
            let asked = Sample.arrival("asked")
            var question = Sample.claim(asked)
            question.kind = .albumQuery
            _ = try await ledger.claim(question)
            #expect(try await ledger.lookUp(asked, at: Sample.start) == .resumed(Sample.open(called: false)))
            #expect(try await ledger.cancel(asked.jobID, at: Sample.start))
        }
    }

    // MARK: Open

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aClaimThatNeverEndedMakesTheJobAmbiguousForGood(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            #expect(try await ledger.claim(Sample.claim(arrival)) == .claimed(Sample.open()))
            #expect(
                try await ledger.lookUp(arrival, at: Sample.start) == .resumed(Sample.open(isAmbiguous: true)))
            let resumed = LookupResult.resumed(Sample.open(isAmbiguous: true))
            #expect(
                try await ledger.claim(Sample.claim(arrival)) == .refused(resumed), "the album is to be asked first")
            #expect(
                try await ledger.claim(Sample.claim(arrival, isAmbiguous: true))
                    == .claimed(Sample.open(isAmbiguous: true), isFirstCall: false))
            let callEnded = Record.callEnded(arrival, attempts: 1, isAmbiguous: false, malformedAnswers: 0)
            #expect(try await ledger.record(callEnded) == .copy(0))
            #expect(
                try await ledger.lookUp(arrival, at: Sample.start)
                    == .resumed(Sample.open(attempts: 1, isAmbiguous: true)))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aCallThatEndedLeavesNoDoubt(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            _ = try await ledger.claim(Sample.claim(arrival))
            let callEnded = Record.callEnded(arrival, attempts: 1, isAmbiguous: false, malformedAnswers: 2)
            try await ledger.record(callEnded)
            let open = Sample.open(attempts: 1, malformedAnswers: 2)
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .resumed(open))
            // Neither attempts nor malformed answers ever fall, whatever the worker brings.
            let again = Sample.claim(arrival, at: Sample.start + .seconds(9))
            #expect(try await ledger.claim(again) == .claimed(open, isFirstCall: false))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aCopyNewerThanTheRowIsAdopted(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            try await ledger.record(Sample.parked(Sample.arrival()))
            ledger.mark(.copy(1), of: JobID("job-1"), generation: 0)
            let copy = Sample.arrival(copy: 5, attempts: 6, isAmbiguous: true)
            var open = Sample.open(
                copy: 5, attempts: 6, isAmbiguous: true, called: false, due: Sample.start + .seconds(30))
            #expect(try await ledger.lookUp(copy, at: Sample.start) == .resumed(open))
            open.due = nil
            open.firstCallAt = Sample.start
            #expect(try await ledger.claim(Sample.claim(copy)) == .claimed(open))
            #expect(try await ledger.record(Sample.parked(copy, attempts: 7)) == .copy(6))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func keepingOrPostponingAnUnknownJobDoesNothing(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival(copy: 2)
            #expect(
                try await ledger.record(.callEnded(arrival, attempts: 1, isAmbiguous: true, malformedAnswers: 0))
                    == .copy(2))
            #expect(try await ledger.record(.postponed(arrival, due: Sample.late)) == .copy(2))
            #expect(try await ledger.record(.steppedAside(arrival, due: Sample.late)) == .copy(2))
            #expect(try await ledger.statistics().entries == 0)
        }
    }
}
