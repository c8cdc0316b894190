import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// What every ledger says of a job whose copy waits: who may take its place, and when it is missed.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct LedgerParkedConformanceTests {
    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func anOlderDeliveryPublishesAnUnmarkedCopyAgain(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            let due = Sample.start + .seconds(30)
            #expect(try await ledger.record(Sample.parked(arrival, due: due)) == .copy(1))
            let open = Sample.open(copy: 1, attempts: 1, called: false, due: due, copyIsPublished: false)
            #expect(try await ledger.lookUp(arrival, at: Sample.late) == .unparked(open))
            #expect(try await ledger.claim(Sample.claim(arrival)) == .refused(.unparked(open)))
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 0, albumQueries: 0))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func anOlderDeliveryIsParkedUntilTwoMinutesAfterTheCopyWasDue(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let arrival = Sample.arrival()
            let due = Sample.start + .seconds(30)
            try await ledger.record(Sample.parked(arrival, due: due))
            // A mark of a copy that the row does not wait for is not believed.
            ledger.mark(.copy(2), of: arrival.jobID, generation: 0)
            ledger.mark(.copy(1), of: arrival.jobID, generation: 1)
            let open = Sample.open(copy: 1, attempts: 1, called: false, due: due)
            var unmarked = open
            unmarked.copyIsPublished = false
            #expect(try await ledger.lookUp(arrival, at: due) == .unparked(unmarked))
            ledger.mark(.copy(1), of: arrival.jobID, generation: 0)
            #expect(try await ledger.lookUp(arrival, at: due) == .parked(open))
            #expect(try await ledger.lookUp(arrival, at: due + .seconds(120)) == .parked(open))
            #expect(try await ledger.lookUp(arrival, at: Sample.late) == .overdue(open))
            #expect(try await ledger.claim(Sample.claim(arrival, at: due)) == .refused(.parked(open)))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func theParkedCopyItselfIsResumedMarkedOrNot(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            try await ledger.record(Sample.parked(Sample.arrival()))
            let copy = Sample.arrival(copy: 1, attempts: 1)
            #expect(
                try await ledger.claim(Sample.claim(copy)) == .claimed(Sample.open(copy: 1, attempts: 1)))
            // In hand, so due at no time: an older delivery is done for, however late it is.
            #expect(
                try await ledger.lookUp(Sample.arrival(), at: Sample.late)
                    == .parked(Sample.open(copy: 1, attempts: 1, isAmbiguous: true)))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aDeliveryThatTookAnOverdueCopysPlaceIsLetInAgainAfterACrash(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let older = Sample.arrival()
            try await ledger.record(Sample.parked(older))
            ledger.mark(.copy(1), of: older.jobID, generation: 0)
            var open = Sample.open(copy: 1, attempts: 1, due: Sample.start + .seconds(30))
            open.firstCallAt = Sample.late
            #expect(try await ledger.claim(Sample.claim(older, at: Sample.late)) == .claimed(open))
            // The daemon dies here. The broker has nothing but the older delivery.
            open.isAmbiguous = true
            #expect(try await ledger.lookUp(older, at: Sample.late) == .overdue(open))
            let again = Sample.claim(older, at: Sample.late, isAmbiguous: true)
            #expect(try await ledger.claim(again) == .claimed(open, isFirstCall: false))
            // The copy that it stands for may still come, and is then the one to work on.
            #expect(
                try await ledger.lookUp(Sample.arrival(copy: 1, attempts: 1), at: Sample.late) == .resumed(open))
            // What it parks is newer than that copy.
            #expect(try await ledger.record(Sample.parked(older, attempts: 2, due: Sample.late)) == .copy(2))
            ledger.mark(.copy(2), of: older.jobID, generation: 0)
            open.copy = 2
            open.attempts = 2
            open.due = Sample.late
            #expect(
                try await ledger.lookUp(Sample.arrival(copy: 1, attempts: 1), at: Sample.late) == .parked(open))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aCopyThatStepsAsideIsDueWhenItComesAgain(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            try await ledger.record(Sample.parked(Sample.arrival()))
            ledger.mark(.copy(1), of: JobID("job-1"), generation: 0)
            // Not the copy that was parked: nothing happens.
            let later = Sample.late + .seconds(3_600)
            try await ledger.record(.postponed(Sample.arrival(), due: later))
            #expect(try await ledger.overdue(before: Sample.late, limit: 9).count == 1)
            let copy = Sample.arrival(copy: 1, attempts: 1)
            #expect(try await ledger.record(.postponed(copy, due: later)) == .copy(1), "the same copy")
            #expect(try await ledger.overdue(before: Sample.late, limit: 9).isEmpty)
            let open = Sample.open(copy: 1, attempts: 1, called: false, due: later)
            #expect(try await ledger.lookUp(Sample.arrival(), at: Sample.late) == .parked(open))
            #expect(try await ledger.lookUp(copy, at: Sample.late) == .resumed(open))
            // Still one that can be lost.
            #expect(try await ledger.overdue(before: later + .seconds(1), limit: 9).count == 1)
            #expect(try await ledger.lookUp(Sample.arrival(), at: later + .seconds(121)) == .overdue(open))
            // Claimed, it waits for no time; moved after its call, it does again.
            _ = try await ledger.claim(Sample.claim(copy, at: later))
            #expect(try await ledger.overdue(before: later + .seconds(3_600), limit: 9).isEmpty)
            try await ledger.record(.postponed(copy, due: later + .seconds(60)))
            #expect(try await ledger.overdue(before: later + .seconds(60), limit: 9).isEmpty)
            let overdue = try await ledger.overdue(before: later + .seconds(61), limit: 9)
            #expect(overdue.map(\.jobID) == [JobID("job-1")])
            guard case .resumed = try await ledger.lookUp(copy, at: later + .seconds(3_600)) else {
                Issue.record("the very copy that was moved goes on, however late")
                return
            }
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aCopyThatStepsAsideForAnothersCallIsMissedIfThatDoesNotEndTheJob(_ kind: LedgerUnderTest.Kind) async throws {
        try await withLedger(kind) { ledger async throws in
            let (copy, due) = (Sample.arrival(), Sample.start + .seconds(40))
            _ = try await ledger.claim(Sample.claim(copy))
            #expect(try await ledger.overdue(before: Sample.late, limit: 9).isEmpty)
            #expect(try await ledger.record(.steppedAside(copy, due: due)) == .copy(0))
            #expect(try await ledger.overdue(before: due, limit: 9).isEmpty)
            #expect(try await ledger.overdue(before: Sample.late, limit: 9).map(\.open.due) == [due])
            // It comes again and steps aside once more; what was said before of another one is later.
            #expect(try await ledger.record(.steppedAside(copy, due: due + .seconds(9))) == .copy(0))
            #expect(try await ledger.record(.steppedAside(copy, due: due)) == .copy(0))
            #expect(try await ledger.overdue(before: Sample.late, limit: 9).map(\.open.due) == [due + .seconds(9)])
            guard case .resumed(let open) = try await ledger.lookUp(copy, at: Sample.late + .seconds(3_600)) else {
                Issue.record("the very copy goes on")
                return
            }
            #expect(open.isAmbiguous && open.attempts == 0, "the call that was begun is as it was")
            try await ledger.record(Sample.finished(copy))
            #expect(try await ledger.overdue(before: Sample.late, limit: 9).isEmpty)
            #expect(try await ledger.record(.steppedAside(copy, due: due)) == .alreadyEnded)
        }
    }
}
