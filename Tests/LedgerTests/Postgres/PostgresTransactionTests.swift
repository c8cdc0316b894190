import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What a batch decides, as a value: what was read and what is asked go in, what is to be written and answered comes
/// out.
@Suite struct PostgresTransactionTests {
    /// The database's clock, an hour behind the asker's.
    private static let now = Sample.start - .seconds(3_600)
    private static let durations = LeaseDurations(callTimeout: .seconds(20))
    private static let id = JobID("job-1")
    private static let fence: Int64 = 7 << 32 | 1

    private static func transaction(
        _ stored: StoredJob? = nil, state: ClusterMember.State? = .working, epoch: Int? = 7, frozenFor: Duration? = nil
    ) -> PostgresTransaction {
        PostgresTransaction(
            loaded: LoadedJobs(now: now, jobs: stored.map { [id: $0] } ?? [:], memberState: state),
            durations: durations, frozenUntil: frozenFor.map { now + $0 }, epoch: epoch)
    }

    private static func pending(_ requests: [JobRequest]) -> [PendingRequest] {
        requests.enumerated().map { PendingRequest(number: $0, request: $1, fence: fence, reply: { _, _ in }) }
    }

    private static func plan(
        _ requests: JobRequest..., on stored: StoredJob? = nil, tries: [JobTry] = [],
        state: ClusterMember.State? = .working, epoch: Int? = 7, frozenFor: Duration? = nil
    ) -> JobPlan {
        var transaction = transaction(stored, state: state, epoch: epoch, frozenFor: frozenFor)
        return transaction.plan(pending(requests), of: id, tries: tries)
    }

    private static let claim = JobRequest.claim(Sample.claim(Sample.arrival()))

    private static func answers(_ plan: JobPlan) -> [JobAnswer] { plan.answers.map(\.answer) }

    // MARK: Leases

    @Test func aClaimsLeaseIsByTheDatabasesClock() throws {
        let plan = Self.plan(Self.claim)
        #expect(
            Self.answers(plan) == [.claimed(Sample.open(), fence: Self.fence, isFirstCall: true, slot: nil)])
        #expect(plan.after.row?.callUntil == Self.now + .seconds(30))
        #expect(plan.after.revision == 1 && plan.before.revision == 0 && plan.claims)
        #expect(plan.counts == [MemberDay(day: Sample.day, epoch: 7): DayCount(calls: 1, albumQueries: 0)])
    }

    @Test func whoeverAsksHearsOfALeaseInTermsOfItsOwnClock() throws {
        let stored = Self.plan(Self.claim).after
        let look = Self.plan(.lookUp(Sample.arrival(), Sample.start), on: stored)
        #expect(Self.answers(look) == [.found(.leased(until: Sample.start + .seconds(30)))])
        #expect(!look.changesRow)
    }

    @Test func requestsOnOneJobSeeEachOther() throws {
        let plan = Self.plan(
            Self.claim, .lookUp(Sample.arrival(), Sample.start),
            .record(Sample.finished(Sample.arrival()), nil, isUnheard: false, Sample.start))
        guard case .claimed? = Self.answers(plan).first else {
            Issue.record("\(plan)")
            return
        }
        #expect(Self.answers(plan)[1] == .found(.leased(until: Sample.start + .seconds(30))))
        // What tells of no call is proof all the same.
        #expect(Self.answers(plan)[2] == .recorded(.copy(0)))
        #expect(plan.newResults == [0] && plan.after.row?.isFinished == true)
    }

    @Test func aLeaseThatNobodyTouchesStaysToTheMillisecond() throws {
        var stored = Self.plan(Self.claim).after
        stored.row?.callUntil = Timestamp(milliseconds: Self.now.milliseconds + 12_345)
        let cancelled = Self.plan(.cancel(Self.id, Sample.start + .milliseconds(7)), on: stored)
        #expect(Self.answers(cancelled) == [.isDone(false)], "it has called")
        let marked = Self.plan(.mark(.copy(0), Self.id, generation: 0), on: stored)
        #expect(marked.after.row?.callUntil == stored.row?.callUntil)
        let unheard = JobRequest.record(
            .callEnded(Sample.arrival(), attempts: 1, isAmbiguous: true, malformedAnswers: 0),
            Lease(fence: Self.fence, beginsBefore: .distantFuture, isFirstCall: true), isUnheard: true,
            Sample.start + .milliseconds(7))
        let recorded = Self.plan(unheard, on: stored)
        #expect(recorded.changesRow && recorded.after.row?.callUntil == stored.row?.callUntil)
    }

    // MARK: Who may

    @Test(arguments: [ClusterMember.State.dead, .gone, nil])
    func whoeverIsNoMemberClaimsNothing(_ state: ClusterMember.State?) throws {
        let plan = Self.plan(Self.claim, state: state)
        guard case .failed(.unavailable)? = Self.answers(plan).first else {
            Issue.record("\(plan)")
            return
        }
        #expect(!plan.changesRow && plan.counts.isEmpty)
    }

    @Test func aCommandIsNoMember() throws {
        guard case .failed(.unavailable)? = Self.answers(Self.plan(Self.claim, state: nil, epoch: nil)).first else {
            Issue.record("it has no epoch")
            return
        }
    }

    @Test func whileTheClockIsNotTrustedNoLeaseHasEnded() throws {
        var stored = Self.plan(Self.claim).after
        stored.row?.callUntil = Self.now - .seconds(5)
        let question = JobRequest.claim(Sample.claim(Sample.arrival(), kind: .albumQuery, isAmbiguous: true))
        let frozen = Self.plan(question, on: stored, frozenFor: .seconds(12))
        #expect(Self.answers(frozen) == [.refused(.leased(until: Sample.start + .seconds(12)))])
        #expect(!frozen.changesRow)
        let free = Self.plan(question, on: stored)
        #expect(free.takeovers == 1 && free.after.row?.fence == Self.fence)
    }

    @Test func aDeathIsCountedOfAnOwnerThatEnded() throws {
        var stored = Self.plan(Self.claim).after
        stored.row?.callUntil = Self.now - .seconds(5)
        let question = JobRequest.claim(Sample.claim(Sample.arrival(), kind: .albumQuery, isAmbiguous: true))
        #expect(Self.plan(question, on: stored).after.row?.deaths == 0)
        stored.ownerHasEnded = true
        #expect(Self.plan(question, on: stored).after.row?.deaths == 1)
    }

    // MARK: Doubt

    @Test func whatIsFoundAsItWasMeantIsProvedByAnotherWriteWithANewLease() throws {
        let first = Self.plan(Self.claim)
        var meant = first.after
        // It landed some seconds ago.
        meant.row?.callUntil = Self.now + .seconds(22)
        let tries = [JobTry(after: meant, newResults: [], answers: first.answers)]
        let again = Self.plan(Self.claim, on: meant, tries: tries)
        #expect(Self.answers(again) == Self.answers(first))
        #expect(again.changesRow && again.after.revision == 2 && again.after.row?.revision == 2)
        #expect(again.after.row?.callUntil == Self.now + .seconds(30))
        #expect(again.counts.isEmpty, "the day has it already")
    }

    @Test func whatIsNotThereIsDecidedAnewUnderTheSameFence() throws {
        let first = Self.plan(Self.claim)
        let tries = [JobTry(after: first.after, newResults: [], answers: first.answers)]
        let again = Self.plan(Self.claim, tries: tries)
        #expect(again.after == first.after && again.counts == first.counts)
    }

    @Test func whatAnotherHasMadeOfItMeanwhileIsDecidedByTheRules() throws {
        let first = Self.plan(Self.claim)
        let tries = [JobTry(after: first.after, newResults: [], answers: first.answers)]
        var stored = first.after
        stored.raiseRevision()
        stored.row?.fence = 8 << 32 | 5
        let again = Self.plan(Self.claim, on: stored, tries: tries)
        #expect(Self.answers(again) == [.refused(.leased(until: Sample.start + .seconds(30)))])
        #expect(!again.changesRow)
    }

    @Test func aResultOfAnothersIsNotTakenForOnesOwn() throws {
        func record(_ body: String) -> JobRequest {
            .record(Sample.finished(Sample.arrival(), body: body), nil, isUnheard: false, Sample.start)
        }
        let mine = Self.plan(record("mine"))
        let theirs = Self.plan(record("theirs"))
        let tries = [JobTry(after: mine.after, newResults: mine.newResults, answers: mine.answers)]
        // The same row but for the body beside it.
        #expect(mine.after.row == theirs.after.row)
        let again = Self.plan(record("mine"), on: theirs.after, tries: tries)
        #expect(Self.answers(again) == [.recorded(.alreadyEnded)])
        let own = Self.plan(record("mine"), on: mine.after, tries: tries)
        #expect(Self.answers(own) == [.recorded(.copy(0))] && own.changesRow && own.newResults.isEmpty)
    }

    @Test func whatCameAfterADoubtedRequestIsDecidedOnWhatThatCameTo() throws {
        let first = Self.plan(Self.claim)
        let tries = [JobTry(after: first.after, newResults: [], answers: first.answers)]
        let again = Self.plan(
            Self.claim, .lookUp(Sample.arrival(), Sample.start), on: first.after, tries: tries)
        #expect(
            Self.answers(again) == Self.answers(first) + [.found(.leased(until: Sample.start + .seconds(30)))])
    }

    // MARK: What is counted

    private static func record(_ record: Record, under fence: Int64, isUnheard: Bool = false) -> JobRequest {
        .record(
            record, Lease(fence: fence, beginsBefore: .distantFuture, isFirstCall: true), isUnheard: isUnheard,
            Sample.start)
    }

    private static let heard = Record.callEnded(
        Sample.arrival(), attempts: 1, isAmbiguous: false, malformedAnswers: 0)

    @Test func aLeaseIsHeldUntilTheCallWasHeardOrItsTimeIsOver() throws {
        var leases = HeldLeases()
        let claimed = Self.plan(Self.claim)
        leases.note(claimed)
        leases.note(Self.plan(.lookUp(Sample.arrival(), Sample.start), on: claimed.after))
        #expect(leases.count(at: Self.now) == 1 && leases.count(at: Self.now + .seconds(30)) == 1)
        #expect(leases.count(at: Self.now + .seconds(31)) == 0)
        var unheard = leases
        unheard.note(Self.plan(Self.record(Self.heard, under: Self.fence, isUnheard: true), on: claimed.after))
        #expect(unheard.count(at: Self.now) == 1, "nobody may call before its time is over")
        unheard.end(before: Self.now + .seconds(30))
        #expect(unheard.count(at: Self.now) == 1)
        unheard.end(before: Self.now + .seconds(31))
        #expect(unheard == HeldLeases())
        leases.note(Self.plan(Self.record(Self.heard, under: Self.fence), on: claimed.after))
        #expect(leases == HeldLeases())
    }

    @Test func neitherALeaseOfAnotherNorOneThatWasTakenOverIsHeld() throws {
        var stored = Self.plan(Self.claim).after
        stored.row?.fence = 8 << 32 | 5
        var leases = HeldLeases()
        leases.note(Self.plan(Self.claim, on: stored))
        #expect(leases == HeldLeases())
        leases.note(Self.plan(Self.claim))
        leases.note(Self.plan(Self.record(Self.heard, under: Self.fence), on: stored))
        #expect(leases == HeldLeases())
    }

    @Test func proofUnderALeaseThatIsAnothersIsLateEvidence() throws {
        var stored = Self.plan(Self.claim).after
        let inTime = Self.plan(Self.record(Sample.finished(Sample.arrival()), under: Self.fence), on: stored)
        #expect(inTime.lateEvidence == 0 && inTime.newResults == [0])
        stored.row?.fence = 8 << 32 | 5
        let late = Self.plan(Self.record(Sample.finished(Sample.arrival()), under: Self.fence), on: stored)
        #expect(late.lateEvidence == 1 && late.fencedRecords == 0 && late.newResults == [0])
        let fenced = Self.plan(Self.record(Self.heard, under: Self.fence), on: stored)
        #expect(fenced.lateEvidence == 0 && fenced.fencedRecords == 1)
        let again = Self.plan(Self.record(Sample.finished(Sample.arrival()), under: Self.fence), on: late.after)
        #expect(again.lateEvidence == 0, "what has ended is not written again")
    }

    // MARK: Cancels

    @Test func aCancelThatComesFirstIsARowThatTheJobTakesOver() throws {
        let cancelled = Self.plan(.cancel(Self.id, Sample.start))
        #expect(cancelled.after.row == nil && cancelled.after.cancellation == .beforeCall)
        #expect(cancelled.after.revision == 1)
        let look = Self.plan(.lookUp(Sample.arrival(), Sample.start), on: cancelled.after)
        #expect(Self.answers(look) == [.found(.cancelled(nil))])
        let ended = Self.plan(
            .record(Sample.finished(Sample.arrival()), nil, isUnheard: false, Sample.start), on: cancelled.after)
        #expect(ended.after.revision == 2 && ended.after.row?.revision == 2)
        #expect(ended.after.cancellation == nil)
    }

    @Test func aLastWordIsNotTakenBackByOneThatSaysLess() throws {
        let last = Self.plan(.cancelForGood(Self.id, newest: nil, Sample.start))
        #expect(last.after.cancellation == .always)
        let again = Self.plan(.cancel(Self.id, Sample.start), on: last.after)
        #expect(Self.answers(again) == [.isDone(true)] && again.after.cancellation == .always)
    }

    @Test func whoeverEndsAnOpenJobForGoodIsGivenTheRowThatTheWordMade() throws {
        let parked = Self.plan(.record(Sample.parked(Sample.arrival()), nil, isUnheard: false, Sample.start)).after
        let word = Self.plan(.cancelForGood(Self.id, newest: nil, Sample.start), on: parked)
        guard case .cancelled(.open(let job))? = Self.answers(word).first else {
            Issue.record("\(word)")
            return
        }
        let result = Sample.result(outcome: .failed, reason: .cancelled)
        let ended = Self.plan(.finishCancelled(job, result, Sample.start), on: word.after)
        #expect(Self.answers(ended) == [.isDone(true)])
    }
}

/// What is known of the database's clock.
@Suite struct ClockEstimateTests {
    private static func at(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(seconds * 1e9))
    }

    private static let start = Timestamp(milliseconds: 1_800_000_000_000)

    /// Whether the clock has jumped, by an answer that was asked for and came at these seconds.
    private func note(_ time: Timestamp, _ asked: Double, _ answered: Double, _ estimate: inout ClockEstimate) -> Bool {
        estimate.note(time, asked: Self.at(asked), answered: Self.at(answered))
    }

    @Test func theQuickestAnswerSaysMost() {
        var estimate = ClockEstimate()
        #expect(estimate.wall(at: Self.at(1)) == nil)
        // Read at its very end, and so half a second too late.
        let first = note(Self.start + .milliseconds(1_000), 0, 1, &estimate)
        #expect(!first)
        #expect(estimate.wall(at: Self.at(1)) == Self.start + .milliseconds(1_500))
        let second = note(Self.start + .milliseconds(5_001), 5, 5.002, &estimate)
        #expect(!second)
        #expect(estimate.wall(at: Self.at(6)) == Self.start + .milliseconds(6_000))
        let third = note(Self.start + .milliseconds(10_900), 10, 11, &estimate)
        #expect(!third)
        #expect(estimate.wall(at: Self.at(11)) == Self.start + .milliseconds(11_000))
    }

    @Test(arguments: [-2.5, 2.5, 3_600, -86_400]) func aJumpIsNoticedAndForgetsWhatWas(by seconds: Double) {
        var estimate = ClockEstimate()
        _ = estimate.note(Self.start, asked: Self.at(0), answered: Self.at(0.001))
        let jumped = Self.start + .seconds(5) + .milliseconds(Int64(seconds * 1_000))
        let hasJumped = note(jumped, 5, 5.001, &estimate)
        #expect(hasJumped)
        #expect(estimate.wall(at: Self.at(5)).map { $0 - jumped < .milliseconds(2) } == true)
        let again = note(jumped + .seconds(5), 10, 10.001, &estimate)
        #expect(!again)
    }

    @Test func aSlowAnswerIsNoJump() {
        var estimate = ClockEstimate()
        _ = estimate.note(Self.start, asked: Self.at(0), answered: Self.at(0.001))
        // Asked at five, read at eleven, answered at eleven.
        let isJump = note(Self.start + .seconds(11), 5, 11, &estimate)
        #expect(!isJump)
    }
}
