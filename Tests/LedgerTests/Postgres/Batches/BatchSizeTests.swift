import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// A batch goes to the kernel at once or not at all: what may come of requests is known before they are decided.
@Suite struct BatchSizeTests {
    private static let now = Sample.start
    private static let id = String(repeating: "j", count: JobID.lengths.upperBound)
    private static let account = String(repeating: "a", count: AccountID.lengths.upperBound)
    private static let arrival = Sample.arrival(id, account: account)
    private static let lease = Lease(fence: 7 << 32 | 1, beginsBefore: .distantFuture, isFirstCall: true)

    private static func result(_ size: Int) -> StoredResult {
        StoredResult(
            messageID: String(repeating: "m", count: 200), outcome: .alreadyLeft, reason: .deadlineExceeded,
            body: [UInt8](repeating: 1, count: size), correlationID: String(repeating: "c", count: 255),
            traceparent: String(repeating: "t", count: 55), tracestate: String(repeating: "s", count: 512),
            completedAt: now)
    }

    private static func claim(_ kind: Claim.Kind, closing: StoredResult?) -> JobRequest {
        var claim = Sample.claim(
            Sample.arrival(id, account: account, generation: closing == nil ? 0 : 1), kind: kind, closing: closing)
        (claim.limits, claim.allottedTo) = (AccountLimits(slots: 4, perMinute: 60), 7)
        return .claim(claim)
    }

    private static func record(_ size: Int, _ lease: Lease?) -> JobRequest {
        let finished = Record.finished(arrival, result(size), attempts: 1, isAmbiguous: false, needsDeadLetter: true)
        return .record(finished, lease, isUnheard: false, now)
    }

    /// What is most of each kind, on a job that is new and on one that is open.
    private static let requests: [[JobRequest]] = [
        [.lookUp(arrival, now)], [claim(.call, closing: nil)], [claim(.albumQuery, closing: nil)],
        [claim(.call, closing: result(9_000))], [record(20_000, lease)], [record(1, nil)],
        [.withdraw(lease, JobID(id), .call, day: Sample.day, now)], [.mark(.result, JobID(id), generation: 0)],
        [.mark(.copy(3), JobID(id), generation: 0)], [.cancel(JobID(id), now)],
        [.cancelForGood(JobID(id), newest: nil, now)],
        [.refuse(AccountID(account), .concurrent, atLeast: .seconds(3), now)],
        [
            claim(.call, closing: nil), record(500, lease), .mark(.result, JobID(id), generation: 0),
            .cancel(JobID(id), now),
        ],
    ]

    private static func stored(generation: Int = 0) -> StoredJob {
        var row = LedgerRow(
            jobID: JobID(id), account: AccountID(account), tokenHash: arrival.tokenHash, generation: generation,
            copy: 0,
            firstSeen: now, changedAt: now)
        (row.fence, row.hasOpenIntent, row.revision) = (lease.fence, true, 4)
        row.callUntil = now + .seconds(30)
        var job = StoredJob()
        (job.row, job.revision) = (row, 4)
        return job
    }

    /// With all that an account can have.
    private static var slots: [AccountSlot] {
        (0..<4).map { number in
            var slot = AccountSlot(number: number)
            (slot.tat, slot.step, slot.waitCause) = (now, 3, .concurrent)
            if number == 1 { (slot.busyFence, slot.busyUntil) = (lease.fence, now + .seconds(30)) }
            return slot
        }
    }

    @Test(arguments: [false, true], 0..<requests.count)
    func noBatchIsLargerThanWasForeseen(_ isOpen: Bool, _ number: Int) throws {
        let pending = Self.requests[number].enumerated().map {
            PendingRequest(number: $0.offset, request: $0.element, fence: Self.lease.fence, reply: { _, _ in })
        }
        let id = try #require(pending.first?.request.jobID)
        var transaction = PostgresTransaction(
            loaded: LoadedJobs(
                now: Self.now, jobs: isOpen ? [id: Self.stored()] : [:],
                slots: isOpen ? [AccountID(Self.account): Self.slots] : [:], left: [Sample.day: 9],
                memberState: .working),
            durations: LeaseDurations(callTimeout: .seconds(20)), frozenUntil: nil, epoch: 7)
        let foreseen = Outgoing.emptySize + pending.mostBytesWritten
        var outgoing = Outgoing(most: foreseen, epoch: 7)
        var outbox = Outbox(owner: 7, isUsed: true)
        let hasPlace = outgoing.makePlace(for: pending)
        #expect(hasPlace)
        outgoing.add(transaction.plan(pending, of: id, tries: []), pending)
        outgoing.finish(
            transaction.accounts.changes, PostgresBacklog.Portion(), &outbox,
            at: MonotonicTime(nanoseconds: 0))
        #expect(outgoing.batch.byteCount <= foreseen)
    }

    @Test func whatHasNoPlaceIsLeftAndDecidesNothingAndTheFirstAlwaysHas() {
        func pending(_ id: String) -> [PendingRequest] {
            let record = Sample.finished(Sample.arrival(id), body: String(repeating: "b", count: 5_000))
            return [
                PendingRequest(
                    number: 0, request: .record(record, nil, isUnheard: false, Self.now), fence: 0, reply: { _, _ in })
            ]
        }
        var transaction = PostgresTransaction(
            loaded: LoadedJobs(now: Self.now, jobs: [:]), durations: LeaseDurations(callTimeout: .seconds(20)),
            frozenUntil: nil, epoch: 7)
        for (most, taken) in [(10, 1), (Outgoing.emptySize + 2 * pending("a").mostBytesWritten, 2)] {
            var outgoing = Outgoing(most: most, epoch: 7)
            for id in ["a", "b", "c"] {
                guard outgoing.makePlace(for: pending(id)) else { continue }
                outgoing.add(transaction.plan(pending(id), of: JobID(id), tries: []), pending(id))
            }
            var outbox = Outbox(owner: 7, isUsed: true)
            var portion = PostgresBacklog.Portion()
            portion.lines = [
                LedgerLines.adding(.init(jobID: JobID("a"), generation: 0, at: Self.now, kind: "", detail: ""))
            ]
            outgoing.finish(
                [], portion, &outbox,
                at: MonotonicTime(nanoseconds: 0))
            #expect(outgoing.plans.count == taken && outgoing.left.requests.count == 3 - taken)
            #expect(outgoing.left.lines.count == 1, "nothing overtakes what was left")
        }
    }
}
