import Clocks
import Jobs
import Secrets
import Testing

@testable import Ledger

/// Who may call for a job that several workers share, and whose word counts: one row at a time. What comes of it in
/// every order of events is explored by `Tests/ClaimModel`.
@Suite struct LedgerRulesLeaseTests {
    private static let start = Timestamp(milliseconds: 1_800_000_000_000)
    /// The last moment of a lease that was claimed at `start`, and the first one after it.
    private static let end = start + .seconds(30)
    private static let after = end + .milliseconds(1)
    private static let (first, second): (Int64, Int64) = (1, 2)

    private static func arrival(generation: Int = 0, copy: Int = 0, token: String = "token") -> Arrival {
        Arrival(
            jobID: JobID("job"), account: AccountID("anna"), tokenHash: SHA256Digest(of: Array(token.utf8)),
            generation: generation, copy: copy, firstSeen: start)
    }

    private static func lookUp(
        _ row: LedgerRow?, _ arrival: Arrival = arrival(), cancellation: Cancellation? = nil, at now: Timestamp
    ) -> LookupResult? {
        LedgerRules.lookUp(row, arrival, cancellation: cancellation, at: now) { _ in
            ResultRecord(result: result(.left), isPublished: true)
        }
    }

    private static func claim(
        _ row: LedgerRow?, _ kind: Claim.Kind = .call, fence: Int64, at now: Timestamp, isAmbiguous: Bool = false,
        decidedUnder: Int64? = nil, ownerHasEnded: Bool = false, generation: Int = 0
    ) -> LedgerRow? {
        let arrival = arrival(generation: generation)
        guard let lookup = lookUp(row, arrival, at: now) else { return nil }
        return LedgerRules.claim(
            row,
            Claim(
                arrival: arrival, kind: kind, day: "2027-01-15", at: now, attempts: 0, isAmbiguous: isAmbiguous,
                decidedUnder: decidedUnder),
            lookup: lookup,
            terms: LeaseTerms(fence: fence, callUntil: now + .seconds(30), ownerHasEnded: ownerHasEnded))
    }

    private static func lease(_ fence: Int64, isFirstCall: Bool = true) -> Lease {
        Lease(fence: fence, beginsBefore: .distantFuture, isFirstCall: isFirstCall)
    }

    private static func result(_ outcome: Outcome) -> StoredResult {
        StoredResult(
            messageID: "job", outcome: outcome, reason: nil, body: [], correlationID: nil, traceparent: nil,
            tracestate: nil, completedAt: start)
    }

    private static func finished(_ outcome: Outcome, isAmbiguous: Bool = false, isAssumed: Bool = false) -> Record {
        .finished(
            arrival(), result(outcome), attempts: 1, isAmbiguous: isAmbiguous, needsDeadLetter: outcome == .failed,
            isAssumed: isAssumed)
    }

    private static func parked(isAmbiguous: Bool = false) -> Record {
        .parked(arrival(), attempts: 1, isAmbiguous: isAmbiguous, malformedAnswers: 0, due: start)
    }

    private static func callEnded(isAmbiguous: Bool = false) -> Record {
        .callEnded(arrival(), attempts: 1, isAmbiguous: isAmbiguous, malformedAnswers: 0)
    }

    private static func record(
        _ row: LedgerRow?, _ record: Record, under lease: Lease?, isUnheard: Bool = false, at now: Timestamp
    ) -> LedgerRules.RecordRuling {
        LedgerRules.record(row, record, under: lease, isUnheard: isUnheard, at: now)
    }

    private static func saved(_ ruling: LedgerRules.RecordRuling) -> LedgerRow? {
        if case .save(let row) = ruling { row } else { nil }
    }

    /// A job whose first call is claimed at `start` under `first`.
    private static func calling() throws -> LedgerRow { try #require(claim(nil, fence: first, at: start)) }

    /// The same, taken over by a question under `second` as soon as the lease is over.
    private static func takenOver() throws -> LedgerRow {
        try #require(claim(try calling(), .albumQuery, fence: second, at: after, ownerHasEnded: true))
    }

    // MARK: Who may claim what

    @Test func aLeaseKeepsEverybodyOutToItsLastMoment() throws {
        let row = try Self.calling()
        #expect(Self.lookUp(row, at: Self.start) == .leased(until: Self.end))
        #expect(Self.lookUp(row, at: Self.end) == .leased(until: Self.end))
        #expect(Self.claim(row, .albumQuery, fence: Self.second, at: Self.end) == nil)
        #expect(Self.lookUp(row, at: Self.after) == .resumed(row.open))
    }

    @Test func aTakeoverAsksBeforeItCalls() throws {
        let row = try Self.calling()
        #expect(Self.claim(row, .call, fence: Self.second, at: Self.after) == nil)
        let asking = try #require(Self.claim(row, .albumQuery, fence: Self.second, at: Self.after))
        #expect(asking.isAmbiguous)
        #expect(!asking.hasOpenIntent)
        #expect(asking.fence == Self.second)
        #expect(asking.callUntil == Self.after + .seconds(30))
    }

    @Test func onlyATakeoverFromAProcessThatEndedCountsAsADeath() throws {
        #expect(try Self.takenOver().deaths == 1)
        let row = try Self.calling()
        #expect(Self.claim(row, .albumQuery, fence: Self.second, at: Self.after)?.deaths == 0)
    }

    @Test func whatWasHeardBeforeSomebodyElseClaimedIsNoGroundForACall() throws {
        let asked = try #require(
            Self.saved(
                Self.record(
                    try Self.takenOver(), Self.callEnded(isAmbiguous: true), under: Self.lease(Self.second),
                    at: Self.after)))
        #expect(
            Self.claim(asked, fence: 3, at: Self.after, isAmbiguous: true, decidedUnder: Self.first) == nil)
        #expect(
            Self.claim(asked, fence: 3, at: Self.after, isAmbiguous: true, decidedUnder: Self.second) != nil)
    }

    @Test func aCallThatWentUnheardKeepsItsOwnWorkerOutToo() throws {
        let row = try #require(
            Self.saved(
                Self.record(
                    try Self.calling(), Self.callEnded(), under: Self.lease(Self.first), isUnheard: true,
                    at: Self.start)))
        #expect(!row.hasOpenIntent)
        #expect(row.isAmbiguous)
        #expect(Self.lookUp(row, at: Self.end) == .leased(until: Self.end))
        #expect(
            Self.claim(row, .albumQuery, fence: Self.second, at: Self.end, decidedUnder: Self.first) == nil)
        #expect(Self.claim(row, .albumQuery, fence: Self.second, at: Self.after) != nil)
    }

    @Test func aCallThatWasHeardLeavesTheJobToWhoeverComes() throws {
        let row = try #require(
            Self.saved(
                Self.record(try Self.calling(), Self.callEnded(), under: Self.lease(Self.first), at: Self.start)))
        #expect(row.callUntil == nil)
        #expect(Self.claim(row, fence: Self.second, at: Self.start) != nil)
    }

    @Test func whatIsDecidedGoesBeforeALease() throws {
        var row = try Self.calling()
        #expect(Self.lookUp(row, Self.arrival(token: "other"), at: Self.start) == .conflict)
        row.finish(needsDeadLetter: false)
        guard case .finished = Self.lookUp(row, at: Self.start) else {
            Issue.record("a finished job is replayed, whatever is still on its way")
            return
        }
    }

    @Test func aCancelWaitsForTheLease() throws {
        let row = try Self.calling()
        #expect(Self.lookUp(row, cancellation: .always, at: Self.end) == .leased(until: Self.end))
        #expect(Self.lookUp(row, cancellation: .always, at: Self.after) == .cancelled(row.open))
        guard case .leased(Self.end) = LedgerRules.cancelForGood(row, isFollowed: false, at: Self.end) else {
            Issue.record("an operator's last word waits for the lease")
            return
        }
        let job = CancelledJob(
            jobID: row.jobID, account: row.account, open: row.open, hasCalled: true, revision: row.revision)
        #expect(LedgerRules.finishCancelled(row, job, at: Self.end) == nil)
        #expect(LedgerRules.finishCancelled(row, job, at: Self.after)?.isAmbiguous == true)
    }

    @Test func aLostJobWaitsForTheLease() throws {
        var row = try Self.calling()
        row.due = Self.start
        let job = OverdueJob(jobID: row.jobID, account: row.account, open: row.open, revision: row.revision)
        #expect(LedgerRules.finishLost(row, job, at: Self.end) == nil)
        #expect(LedgerRules.finishLost(row, job, at: Self.after)?.isAmbiguous == true)
    }

    @Test func aNewGenerationWaitsForTheOldOnesCall() throws {
        let row = try #require(
            Self.saved(
                Self.record(
                    try Self.calling(), Self.finished(.failed, isAmbiguous: true), under: Self.lease(Self.first),
                    isUnheard: true, at: Self.start)))
        let next = Self.arrival(generation: 1)
        #expect(Self.lookUp(row, next, at: Self.end) == .leased(until: Self.end))
        #expect(Self.lookUp(row, next, at: Self.after) == .fresh(isAmbiguous: true, predecessor: nil))
        #expect(Self.claim(row, fence: Self.second, at: Self.after, generation: 1) == nil)
        #expect(Self.claim(row, .albumQuery, fence: Self.second, at: Self.after, generation: 1) != nil)
    }

    // MARK: Whose word counts

    @Test(arguments: [Outcome.left, .alreadyLeft])
    func proofIsBelievedOfWhomeverHeardIt(_ outcome: Outcome) throws {
        let row = Self.record(
            try Self.takenOver(), Self.finished(outcome), under: Self.lease(Self.first), at: Self.after)
        #expect(Self.saved(row)?.isFinished == true)
    }

    @Test func whatElseAFencedWorkerSaysIsNot() throws {
        let row = try Self.takenOver()
        for record in [
            Self.finished(.failed, isAmbiguous: true), Self.finished(.alreadyLeft, isAmbiguous: true, isAssumed: true),
            Self.parked(isAmbiguous: true), Self.callEnded(),
        ] {
            guard case .fenced(let alive) = Self.record(row, record, under: Self.lease(Self.first), at: Self.after)
            else {
                Issue.record("\(record) was believed")
                continue
            }
            #expect(alive?.deaths == 0, "whoever speaks is not dead")
        }
    }

    @Test func theHoldersWordTakesTheDeathsBack() throws {
        let row = Self.record(
            try Self.takenOver(), Self.callEnded(isAmbiguous: true), under: Self.lease(Self.second), at: Self.after)
        #expect(Self.saved(row)?.deaths == 0)
    }

    @Test func theFirstResultStands() throws {
        let row = try #require(
            Self.saved(
                Self.record(try Self.takenOver(), Self.finished(.left), under: Self.lease(Self.first), at: Self.after)))
        #expect(
            Self.record(row, Self.finished(.failed), under: Self.lease(Self.second), at: Self.after)
                == .alreadyEnded(row))
    }

    /// Found by the model: decided before another's call, such a record closed that one's intent without a trace.
    @Test func aDecisionOnALookupAloneIsOutdatedByACallThatWentUnheard() throws {
        let row = try Self.calling()
        for record in [Self.finished(.failed), Self.parked()] {
            #expect(Self.record(row, record, under: nil, at: Self.end) == .fenced(nil))
            #expect(Self.record(row, record, under: nil, at: Self.after) == .fenced(nil))
        }
        #expect(
            Self.saved(Self.record(row, Self.parked(isAmbiguous: true), under: nil, at: Self.after))?.isAmbiguous
                == true)
        #expect(Self.saved(Self.record(nil, Self.parked(), under: nil, at: Self.start)) != nil)
    }

    /// The worker closes an older generation that it finds open; where another has opened it since, it looks again.
    @Test func nothingIsRecordedOfANewerGenerationWhileAnOlderOneIsOpen() throws {
        let row = try #require(Self.saved(Self.record(nil, Self.parked(), under: nil, at: Self.start)))
        let newer = Record.finished(
            Self.arrival(generation: 1), Self.result(.failed), attempts: 0, isAmbiguous: true, needsDeadLetter: true)
        for lease in [nil, Self.lease(Self.first)] {
            #expect(Self.record(row, newer, under: lease, at: Self.after) == .fenced(nil))
        }
    }

    // MARK: What was not sent

    @Test func aWithdrawnClaimLeavesNoTrace() throws {
        let row = try #require(
            LedgerRules.withdraw(try Self.calling(), Self.lease(Self.first), at: Self.start))
        #expect(row.hasNeverCalled)
        #expect(Self.claim(row, fence: Self.second, at: Self.start) != nil)
    }

    @Test func aClaimIsTakenBackOnce() throws {
        let row = try #require(
            LedgerRules.withdraw(try Self.calling(), Self.lease(Self.first), at: Self.start))
        #expect(LedgerRules.withdraw(row, Self.lease(Self.first), at: Self.start) == nil)
    }

    @Test func nobodyWithdrawsAnothersClaim() throws {
        #expect(LedgerRules.withdraw(try Self.takenOver(), Self.lease(Self.first), at: Self.after) == nil)
    }

    @Test func aWithdrawnTakeoverStaysInDoubt() throws {
        let row = try #require(
            LedgerRules.withdraw(
                try Self.takenOver(), Self.lease(Self.second, isFirstCall: false), at: Self.after))
        #expect(row.isAmbiguous)
        #expect(row.firstCallAt != nil)
    }
}
