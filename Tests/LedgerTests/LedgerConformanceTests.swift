import Jobs
import Ledger
import Testing
import Threads

/// What every ledger does: each answer of `look` and `claim`, told as what happened before.
@Suite(.timeLimit(.minutes(2))) struct LedgerConformanceTests {
    private static let late = Sample.start + .seconds(30 + 121)

    private func with(
        _ kind: LedgerUnderTest.Kind, _ body: (any Ledger) async throws -> Void
    ) async throws {
        let subject = try LedgerUnderTest(kind)
        try await body(subject.ledger)
        try await subject.close()
    }

    // MARK: Fresh

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobNeverSeenIsFreshAndLookingLeavesNoTrace(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            for _ in 0..<2 {
                #expect(
                    try await ledger.look(Sample.arrival(), at: Sample.start)
                        == .fresh(isAmbiguous: false, predecessor: nil))
            }
            #expect(try await ledger.statistics().entries == 0)
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aLostLedgerBelievesTheCopy(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let copy = Sample.arrival(copy: 3, attempts: 4, isAmbiguous: true)
            #expect(
                try await ledger.look(copy, at: Sample.start) == .fresh(isAmbiguous: true, predecessor: nil))
            #expect(
                try await ledger.claim(Sample.claim(copy))
                    == .claimed(Sample.open(copy: 3, attempts: 4, isAmbiguous: true)))
            #expect(try await ledger.record(Sample.parked(copy, attempts: 5)) == 4)
        }
    }

    // MARK: Presumed new

    /// What `presumesNew` is refused with after `happened`, and that the refusal leaves no trace.
    private func refusal(
        _ kind: LedgerUnderTest.Kind, of arrival: Arrival = Sample.arrival(),
        after happened: (any Ledger) async throws -> Void
    ) async throws -> Finding? {
        var refusal: Finding?
        try await with(kind) { ledger async throws in
            try await happened(ledger)
            let (calls, finding) = (
                try await ledger.count(of: Sample.day), try await ledger.look(arrival, at: Sample.start)
            )
            guard case .refused(let found) = try await ledger.claim(Sample.claim(arrival, presumesNew: true)) else {
                return
            }
            #expect(try await ledger.count(of: Sample.day) == calls)
            #expect(try await ledger.look(arrival, at: Sample.start) == finding)
            #expect(found == finding)
            refusal = found
        }
        return refusal
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobThatIsPresumedNewAndIsIsClaimed(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival()
            #expect(
                try await ledger.claim(Sample.claim(arrival, presumesNew: true)) == .claimed(Sample.open()))
            #expect(try await ledger.look(arrival, at: Sample.start) == .resumed(Sample.open(isAmbiguous: true)))
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
                        generation: 0, result: Sample.result(), resultIsPublished: false, letterIsPublished: true)))
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
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival()
            #expect(try await ledger.cancel(arrival.jobID, at: Sample.start))
            #expect(try await ledger.look(arrival, at: Sample.start) == .cancelled(nil))
            #expect(try await ledger.claim(Sample.claim(arrival)) == .refused(.cancelled(nil)))
            try await ledger.record(Sample.finished(arrival))
            guard case .finished = try await ledger.look(arrival, at: Sample.start) else {
                Issue.record("it has ended")
                return
            }
            #expect(try await ledger.cancel(arrival.jobID, at: Sample.start) == false, "its own result stands")
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aJobThatWaitsWithoutACallCanBeCancelledAndOneThatCalledCannot(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let waiting = Sample.arrival("waiting")
            _ = try await ledger.record(
                .parked(waiting, attempts: 0, isAmbiguous: false, malformedAnswers: 0, due: Sample.start))
            ledger.mark(.copy(1), of: waiting.jobID, generation: 0)
            #expect(try await ledger.cancel(waiting.jobID, at: Sample.start))
            guard case .cancelled(.some) = try await ledger.look(Sample.arrival("waiting", copy: 1), at: Sample.start)
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
            question.kind = .probe
            _ = try await ledger.claim(question)
            #expect(try await ledger.look(asked, at: Sample.start) == .resumed(Sample.open(called: false)))
            #expect(try await ledger.cancel(asked.jobID, at: Sample.start))
        }
    }

    // MARK: Open

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aClaimThatNeverEndedMakesTheJobAmbiguousForGood(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival()
            #expect(try await ledger.claim(Sample.claim(arrival)) == .claimed(Sample.open()))
            #expect(
                try await ledger.look(arrival, at: Sample.start) == .resumed(Sample.open(isAmbiguous: true)))
            #expect(
                try await ledger.claim(Sample.claim(arrival)) == .claimed(Sample.open(isAmbiguous: true)))
            let kept = Record.kept(arrival, attempts: 1, isAmbiguous: false, malformedAnswers: 0)
            #expect(try await ledger.record(kept) == 0)
            #expect(
                try await ledger.look(arrival, at: Sample.start)
                    == .resumed(Sample.open(attempts: 1, isAmbiguous: true)))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aCallThatEndedLeavesNoDoubt(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival()
            _ = try await ledger.claim(Sample.claim(arrival))
            let kept = Record.kept(arrival, attempts: 1, isAmbiguous: false, malformedAnswers: 2)
            try await ledger.record(kept)
            let open = Sample.open(attempts: 1, malformedAnswers: 2)
            #expect(try await ledger.look(arrival, at: Sample.start) == .resumed(open))
            // Neither attempts nor malformed answers ever fall, whatever the worker brings.
            let again = Sample.claim(arrival, at: Sample.start + .seconds(9))
            #expect(try await ledger.claim(again) == .claimed(open))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aCopyNewerThanTheRowIsAdopted(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            try await ledger.record(Sample.parked(Sample.arrival()))
            ledger.mark(.copy(1), of: JobID("job-1"), generation: 0)
            let copy = Sample.arrival(copy: 5, attempts: 6, isAmbiguous: true)
            var open = Sample.open(
                copy: 5, attempts: 6, isAmbiguous: true, called: false, due: Sample.start + .seconds(30))
            #expect(try await ledger.look(copy, at: Sample.start) == .resumed(open))
            open.due = nil
            open.firstCallAt = Sample.start
            #expect(try await ledger.claim(Sample.claim(copy)) == .claimed(open))
            #expect(try await ledger.record(Sample.parked(copy, attempts: 7)) == 6)
        }
    }

    // MARK: Parked

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func anOlderDeliveryPublishesAnUnmarkedCopyAgain(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival()
            let due = Sample.start + .seconds(30)
            #expect(try await ledger.record(Sample.parked(arrival, due: due)) == 1)
            let open = Sample.open(copy: 1, attempts: 1, called: false, due: due, copyIsPublished: false)
            #expect(try await ledger.look(arrival, at: Self.late) == .unparked(open))
            #expect(try await ledger.claim(Sample.claim(arrival)) == .refused(.unparked(open)))
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 0, probes: 0))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func anOlderDeliveryIsParkedUntilTwoMinutesAfterTheCopyWasDue(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival()
            let due = Sample.start + .seconds(30)
            try await ledger.record(Sample.parked(arrival, due: due))
            // A mark of a copy that the row does not wait for is not believed.
            ledger.mark(.copy(2), of: arrival.jobID, generation: 0)
            ledger.mark(.copy(1), of: arrival.jobID, generation: 1)
            let open = Sample.open(copy: 1, attempts: 1, called: false, due: due)
            var unmarked = open
            unmarked.copyIsPublished = false
            #expect(try await ledger.look(arrival, at: due) == .unparked(unmarked))
            ledger.mark(.copy(1), of: arrival.jobID, generation: 0)
            #expect(try await ledger.look(arrival, at: due) == .parked(open))
            #expect(try await ledger.look(arrival, at: due + .seconds(120)) == .parked(open))
            #expect(try await ledger.look(arrival, at: Self.late) == .overdue(open))
            #expect(try await ledger.claim(Sample.claim(arrival, at: due)) == .refused(.parked(open)))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func theParkedCopyItselfIsResumedMarkedOrNot(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            try await ledger.record(Sample.parked(Sample.arrival()))
            let copy = Sample.arrival(copy: 1, attempts: 1)
            #expect(
                try await ledger.claim(Sample.claim(copy)) == .claimed(Sample.open(copy: 1, attempts: 1)))
            // In hand, so due at no time: an older delivery is done for, however late it is.
            #expect(
                try await ledger.look(Sample.arrival(), at: Self.late)
                    == .parked(Sample.open(copy: 1, attempts: 1, isAmbiguous: true)))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aDeliveryThatTookAnOverdueCopysPlaceIsLetInAgainAfterACrash(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let older = Sample.arrival()
            try await ledger.record(Sample.parked(older))
            ledger.mark(.copy(1), of: older.jobID, generation: 0)
            var open = Sample.open(copy: 1, attempts: 1, due: Sample.start + .seconds(30))
            open.firstCallAt = Self.late
            #expect(try await ledger.claim(Sample.claim(older, at: Self.late)) == .claimed(open))
            // The daemon dies here. The broker has nothing but the older delivery.
            open.isAmbiguous = true
            #expect(try await ledger.look(older, at: Self.late) == .overdue(open))
            #expect(try await ledger.claim(Sample.claim(older, at: Self.late)) == .claimed(open))
            // The copy that it stands for may still come, and is then the one to work on.
            #expect(
                try await ledger.look(Sample.arrival(copy: 1, attempts: 1), at: Self.late) == .resumed(open))
            // What it parks is newer than that copy.
            #expect(try await ledger.record(Sample.parked(older, attempts: 2, due: Self.late)) == 2)
            ledger.mark(.copy(2), of: older.jobID, generation: 0)
            open.copy = 2
            open.attempts = 2
            open.due = Self.late
            #expect(
                try await ledger.look(Sample.arrival(copy: 1, attempts: 1), at: Self.late) == .parked(open))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aCopyHandedBackIsDueAtNoTime(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            try await ledger.record(Sample.parked(Sample.arrival()))
            ledger.mark(.copy(1), of: JobID("job-1"), generation: 0)
            // Not the copy that was parked: nothing happens.
            try await ledger.record(.handedBack(Sample.arrival()))
            #expect(try await ledger.overdue(before: Self.late, limit: 9).count == 1)
            let copy = Sample.arrival(copy: 1, attempts: 1)
            try await ledger.record(.handedBack(copy))
            #expect(try await ledger.overdue(before: Self.late, limit: 9).isEmpty)
            let open = Sample.open(copy: 1, attempts: 1, called: false)
            #expect(try await ledger.look(Sample.arrival(), at: Self.late) == .parked(open))
            #expect(try await ledger.look(copy, at: Self.late) == .resumed(open))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func keepingOrHandingBackAnUnknownJobDoesNothing(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival(copy: 2)
            #expect(
                try await ledger.record(.kept(arrival, attempts: 1, isAmbiguous: true, malformedAnswers: 0)) == 2)
            #expect(try await ledger.record(.handedBack(arrival)) == 2)
            #expect(try await ledger.statistics().entries == 0)
        }
    }

    // MARK: Finished

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aFinishedJobGivesItsBytesAndWhatIsUnmarked(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival()
            _ = try await ledger.claim(Sample.claim(arrival))
            try await ledger.record(Sample.finished(arrival, needsLetter: true))
            var finished = FinishedJob(
                generation: 0, result: Sample.result(), resultIsPublished: false, letterIsPublished: false)
            #expect(try await ledger.look(arrival, at: Sample.start) == .finished(finished))
            ledger.mark(.letter, of: arrival.jobID, generation: 0)
            finished.letterIsPublished = true
            #expect(try await ledger.look(arrival, at: Sample.start) == .finished(finished))
            ledger.mark(.result, of: arrival.jobID, generation: 0)
            finished.resultIsPublished = true
            // Any copy finds it, and none can claim it.
            for copy in [0, 1, 7] {
                let delivery = Sample.arrival(copy: copy)
                #expect(try await ledger.look(delivery, at: Sample.start) == .finished(finished))
                #expect(try await ledger.claim(Sample.claim(delivery)) == .refused(.finished(finished)))
            }
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 1, probes: 0))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func theFirstResultOfAGenerationStaysForEver(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival()
            try await ledger.record(Sample.finished(arrival, body: "first"))
            ledger.mark(.result, of: arrival.jobID, generation: 0)
            try await ledger.record(Sample.finished(arrival, body: "second", needsLetter: true))
            try await ledger.record(Sample.parked(arrival))
            let finished = FinishedJob(
                generation: 0, result: Sample.result(body: "first"), resultIsPublished: true,
                letterIsPublished: true)
            #expect(try await ledger.look(arrival, at: Sample.start) == .finished(finished))
        }
    }

    // MARK: Generations

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aRedriveIsFreshRemembersTheDoubtAndStartsItsAttemptsAnew(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let first = Sample.arrival()
            _ = try await ledger.claim(Sample.claim(first))
            try await ledger.record(Sample.finished(first, attempts: 9, isAmbiguous: true, needsLetter: true))
            let redriven = Sample.arrival(generation: 1)
            #expect(
                try await ledger.look(redriven, at: Sample.start) == .fresh(isAmbiguous: true, predecessor: nil))
            #expect(
                try await ledger.claim(Sample.claim(redriven))
                    == .claimed(Sample.open(generation: 1, isAmbiguous: true)))
            // The older generation gives its own bytes, now and when the newer one has ended.
            #expect(try await ledger.look(first, at: Sample.start) == .superseded(Sample.result()))
            try await ledger.record(Sample.finished(redriven, body: "newer"))
            #expect(try await ledger.look(first, at: Sample.start) == .superseded(Sample.result()))
            #expect(
                try await ledger.claim(Sample.claim(first)) == .refused(.superseded(Sample.result())))
            // And nothing that is recorded of it changes anything.
            #expect(try await ledger.record(Sample.finished(first, body: "late")) == 0)
            #expect(try await ledger.look(first, at: Sample.start) == .superseded(Sample.result()))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aGenerationThatWasSkippedHasNoBytes(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            try await ledger.record(Sample.finished(Sample.arrival(generation: 2)))
            #expect(try await ledger.look(Sample.arrival(generation: 1), at: Sample.start) == .superseded(nil))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aClaimClosesTheOpenGenerationBeforeAndItsResultIsPublished(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let first = Sample.arrival()
            _ = try await ledger.claim(Sample.claim(first, attempts: 3))
            let second = Sample.arrival(generation: 1)
            let predecessor = Sample.open(attempts: 3, isAmbiguous: true)
            let fresh = Finding.fresh(isAmbiguous: true, predecessor: predecessor)
            #expect(try await ledger.look(second, at: Sample.start) == fresh)
            #expect(try await ledger.claim(Sample.claim(second)) == .refused(fresh))
            let closing = Sample.result(outcome: .failed, reason: .poison, body: "closed")
            #expect(
                try await ledger.claim(Sample.claim(second, closing: closing))
                    == .claimed(Sample.open(generation: 1, isAmbiguous: true)))
            #expect(try await ledger.look(first, at: Sample.start) == .superseded(closing))
            // Both results are owed, the older one first; ending the newer one forgets neither.
            try await ledger.record(Sample.finished(second, body: "newer"))
            var owed = try await ledger.unpublishedResults(after: nil, limit: 9)
            #expect(owed == [OwedResult(jobID: JobID("job-1"), generation: 0, result: closing)])
            ledger.mark(.result, of: JobID("job-1"), generation: 0)
            owed = try await ledger.unpublishedResults(after: nil, limit: 9)
            #expect(owed.map(\.generation) == [1])
            ledger.mark(.result, of: JobID("job-1"), generation: 1)
            #expect(try await ledger.unpublishedResults(after: nil, limit: 9).isEmpty)
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func aLateMarkOfAnOlderGenerationsLetterIsNotTheNewerOnes(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            try await ledger.record(Sample.finished(Sample.arrival(), needsLetter: true))
            let second = Sample.arrival(generation: 1)
            try await ledger.record(Sample.finished(second, needsLetter: true))
            ledger.mark(.letter, of: second.jobID, generation: 0)
            #expect(
                try await ledger.look(second, at: Sample.start)
                    == .finished(
                        FinishedJob(
                            generation: 1, result: Sample.result(generation: 1), resultIsPublished: false,
                            letterIsPublished: false)))
        }
    }

    // MARK: Conflict

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func anotherAccountOrTokenUnderTheIdIsAConflictBeforeAllElse(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            try await ledger.record(Sample.finished(Sample.arrival(generation: 1)))
            for generation in 0...2 {
                for stranger in [
                    Sample.arrival(account: "bert", generation: generation),
                    Sample.arrival(token: "other", generation: generation),
                ] {
                    #expect(try await ledger.look(stranger, at: Sample.start) == .conflict)
                    #expect(try await ledger.claim(Sample.claim(stranger)) == .refused(.conflict))
                }
            }
            let stored = FinishedJob(
                generation: 1, result: Sample.result(generation: 1), resultIsPublished: false,
                letterIsPublished: true)
            #expect(
                try await ledger.look(Sample.arrival(generation: 1), at: Sample.start) == .finished(stored))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func composedAndDecomposedNamesAreTwo(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            let (composed, decomposed) = ("zo\u{EB}", "zoe\u{308}")
            #expect(composed == decomposed, "Swift's own equality folds them, which is why identities are bytes")
            try await ledger.record(Sample.finished(Sample.arrival(account: composed)))
            #expect(try await ledger.look(Sample.arrival(account: decomposed), at: Sample.start) == .conflict)
            try await ledger.record(Sample.finished(Sample.arrival(decomposed)))
            #expect(
                try await ledger.look(Sample.arrival(composed), at: Sample.start)
                    == .fresh(isAmbiguous: false, predecessor: nil))
            // Bytes that a C string or a collation would cut or fold.
            for id in ["a", "A", "a\0b", "a\0", "a ", "%", "'", "\u{10FFFF}"] {
                try await ledger.record(Sample.finished(Sample.arrival(id), body: id))
            }
            for id in ["a", "A", "a\0b", "a\0", "a ", "%", "'", "\u{10FFFF}"] {
                let found = try await ledger.look(Sample.arrival(id), at: Sample.start)
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
        try await with(kind) { ledger async throws in
            let arrival = Sample.arrival()
            for kind in [Claim.Kind.call, .probe, .call] {
                _ = try await ledger.claim(Sample.claim(arrival, kind: kind))
            }
            _ = try await ledger.claim(Sample.claim(arrival, day: "2027-01-16"))
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 2, probes: 1))
            #expect(try await ledger.count(of: "2027-01-16") == DayCount(calls: 1, probes: 0))
            #expect(try await ledger.count(of: "2027-01-17") == DayCount(calls: 0, probes: 0))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func owedResultsComeInPages(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
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
        try await with(kind) { ledger async throws in
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
            let taken = Sample.claim(Sample.arrival("moves"), at: Self.late + .seconds(60), attempts: 1)
            guard case .claimed = try await ledger.claim(taken) else {
                Issue.record("it was overdue")
                return
            }
            #expect(try await !ledger.finishLost(late[0], result: Sample.result("moves")))
            let lost = Sample.result("early", outcome: .failed, reason: .jobLost)
            #expect(try await ledger.finishLost(late[1], result: lost))
            #expect(try await !ledger.finishLost(late[1], result: Sample.result("early", body: "second")))
            #expect(
                try await ledger.look(Sample.arrival("early"), at: Sample.start)
                    == .finished(
                        FinishedJob(
                            generation: 0, result: lost, resultIsPublished: false, letterIsPublished: true)))
        }
    }

    @Test(arguments: LedgerUnderTest.Kind.allCases)
    func statisticsCountWhatIsOpenAndOwed(_ kind: LedgerUnderTest.Kind) async throws {
        try await with(kind) { ledger async throws in
            _ = try await ledger.claim(Sample.claim(Sample.arrival("calling")))
            try await ledger.record(Sample.parked(Sample.arrival("parked")))
            try await ledger.record(Sample.finished(Sample.arrival("owed"), needsLetter: true))
            try await ledger.record(Sample.finished(Sample.arrival("done")))
            ledger.mark(.result, of: JobID("done"), generation: 0)
            let statistics = try await ledger.statistics()
            #expect(statistics.entries == 4)
            #expect(statistics.open == 2)
            #expect(statistics.ambiguous == 1)
            #expect(statistics.unpublished == 1)
            #expect(statistics.unpublishedLetters == 1)
        }
    }
}
