package import Clocks
import Concurrency
package import Jobs
package import Ledger

/// One worker's view of jobs that several share, with leases by one clock, which is the database's and every worker's.
/// The decisions are `LedgerRules`; what this adds is what a database would: fences, times, one writer at a time.
package final class SharedMemoryLedger: JobLedger {
    /// Short, for tests that wait them out.
    package static let durations = LeaseDurations(
        sendWindow: .seconds(1), callTimeout: .seconds(3), grace: .seconds(1))

    let worker: Int64
    private let jobs: SharedJobs
    private let durations: LeaseDurations
    private let clock: any TimeSource
    private let claims = Lock<Int64>(0)

    package init(_ jobs: SharedJobs, durations: LeaseDurations = durations, clock: any TimeSource) {
        self.jobs = jobs
        self.durations = durations
        self.clock = clock
        worker = jobs.join()
    }

    private func nextFence() -> Int64 {
        worker << 32
            + claims.withLock { number in
                number += 1
                return number
            }
    }

    package func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult {
        jobs.state.withLock { $0.find(arrival, at: clock.wall()) }
    }

    package func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        let beginsBefore = clock.now() + durations.sendWindow
        let fence = nextFence()
        return try jobs.state.withLock { (state) throws(LedgerError) in
            // As a database refuses the claims of an epoch that it holds for dead.
            if state.ended.contains(worker) { throw .unavailable("this worker is known to have ended") }
            let now = clock.wall()
            let id = claim.arrival.jobID
            let row = state.rows[id]
            let lookup = state.find(claim.arrival, at: now)
            let owner = (row?.fence ?? 0) >> 32
            let callUntil = now + durations.whole
            let terms = LeaseTerms(fence: fence, callUntil: callUntil, ownerHasEnded: state.ended.contains(owner))
            guard let change = LedgerRules.change(of: row, by: claim, lookup: lookup, terms: terms) else {
                return .refused(lookup)
            }
            guard state.isAllotted(claim, to: worker) else { return .notAllotted }
            let slot: AccountSlot.Taken?
            switch state.takeSlot(for: claim, fence: fence, callUntil: callUntil, at: now) {
            case .taken(_, let taken): slot = taken
            case .busy(let busy): return .busy(busy)
            case nil: slot = nil
            }
            state.save(change, of: id, by: worker)
            state.count(1, claim.kind, on: claim.day, by: worker)
            return .claimed(
                LedgerRules.claimed(change.row),
                Lease(
                    fence: fence, beginsBefore: beginsBefore,
                    isFirstCall: change.row.isFirstCall(of: claim, over: row), slot: slot))
        }
    }

    package func record(
        _ record: Record, under lease: Lease?, isUnheard: Bool
    ) async throws(LedgerError) -> Recorded {
        jobs.state.withLock { state in
            let (id, account, now) = (record.arrival.jobID, record.arrival.account, clock.wall())
            let (change, answer) = LedgerRules.change(
                of: state.rows[id], by: record, under: lease, isUnheard: isUnheard, at: now)
            // Whatever becomes of the record: its call has been heard.
            if let lease, !isUnheard,
                let slot = AccountSlotRules.free(state.slots[account] ?? [], fence: lease.fence)
            {
                state.save(slot, of: account)
                if record.isProof {
                    state.save(AccountSlotRules.succeed(state.slots[account] ?? [], at: now), of: account)
                }
            }
            if let change { state.save(change, of: id, by: worker) }
            return answer
        }
    }

    package func withdraw(
        _ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String
    ) async throws(LedgerError) {
        jobs.state.withLock { state in
            if let account = state.rows[jobID]?.account {
                state.save(
                    AccountSlotRules.withdraw(state.slots[account] ?? [], fence: lease.fence, lease.slot), of: account)
            }
            guard let row = LedgerRules.withdraw(state.rows[jobID], lease, at: clock.wall()) else { return }
            state.rows[jobID] = row
            state.count(-1, kind, on: day, by: worker)
        }
    }

    // MARK: Accounts

    package var sharesAccounts: Bool { true }

    package func noteRefusal(
        of account: AccountID, for cause: AccountWaitCause, atLeast minimum: Duration
    ) async throws(LedgerError) -> Timestamp? {
        jobs.state.withLock { state in
            let (slot, until) = AccountSlotRules.refuse(
                state.slots[account] ?? [], cause, atLeast: minimum, at: clock.wall())
            state.save(slot, of: account)
            return until
        }
    }

    // MARK: Cancels

    package func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool {
        jobs.state.withLock { state in
            guard LedgerRules.mayCancel(state.rows[jobID]) else { return false }
            state.cancellations[jobID] = .beforeCall
            return true
        }
    }

    package func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer {
        jobs.state.withLock { state in
            let row = state.rows[jobID]
            let isFollowed = row.map { row in generation.map { $0 > row.generation } ?? false } ?? false
            switch LedgerRules.cancelForGood(row, isFollowed: isFollowed, at: clock.wall()) {
            case .remember:
                state.cancellations[jobID] = .always
                return .remembered
            case .end(let job):
                state.cancellations[jobID] = .always
                return .open(job)
            case .leased(let until): return .leased(until: until)
            case .hasEnded(let row):
                guard let result = state.results[jobID]?[row.generation]?.result else {
                    preconditionFailure("finished without a result")
                }
                return .ended(result)
            }
        }
    }

    package func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool {
        jobs.state.withLock { state in
            let row = state.rows[job.jobID]
            guard let change = LedgerRules.change(of: row, cancelling: job, result: result, at: clock.wall()) else {
                return false
            }
            state.save(change, of: job.jobID, by: worker)
            return true
        }
    }

    // MARK: What is published, what is lost

    package func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        jobs.state.withLock { state in
            if case .result = part {
                state.results[jobID]?[generation]?.isPublished = true
            } else if let row = state.rows[jobID], let marked = LedgerRules.mark(row, part, generation: generation) {
                state.rows[jobID] = marked
            }
        }
    }

    package func note(_ event: JobEvent) {}

    package func count(of day: String) async throws(LedgerError) -> DayCount {
        jobs.state.withLock { $0.days[day] ?? DayCount(calls: 0, albumQueries: 0) }
    }

    package func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult] {
        jobs.state.withLock { state in
            let unpublished = state.results.compactMap { id, results -> UnpublishedResult? in
                guard let isLeft = state.isLeft(id, to: worker) else { return nil }
                return results.filter { !$0.value.isPublished }.min { $0.key < $1.key }.map {
                    UnpublishedResult(
                        jobID: id, generation: $0.key, result: $0.value.result, isLeftByAnother: isLeft)
                }
            }
            let ordered = unpublished.sorted { $0.jobID.utf8.lexicographicallyPrecedes($1.jobID.utf8) }
            return Array(ordered.filter { (last?.utf8 ?? []).lexicographicallyPrecedes($0.jobID.utf8) }.prefix(limit))
        }
    }

    package func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        jobs.state.withLock { state in
            let late = state.rows.values.filter { row in
                !row.isFinished && row.copyIsPublished && row.due.map { $0 < time } ?? false
            }
            return late.sorted { ($0.due ?? time) < ($1.due ?? time) }.prefix(limit).map {
                OverdueJob(jobID: $0.jobID, account: $0.account, open: $0.open, revision: $0.revision)
            }
        }
    }

    package func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        jobs.state.withLock { state in
            let row = state.rows[job.jobID]
            guard let change = LedgerRules.change(of: row, losing: job, result: result, at: clock.wall()) else {
                return false
            }
            state.save(change, of: job.jobID, by: worker)
            return true
        }
    }

    package func knowsSuccess() async throws(LedgerError) -> Bool {
        jobs.state.withLock { state in
            state.results.values.contains { $0.values.contains { $0.result.outcome != .failed } }
        }
    }

    package func statistics() async throws(LedgerError) -> LedgerStatistics {
        jobs.state.withLock { state in
            LedgerStatistics(
                entries: state.rows.count, open: state.rows.values.count { !$0.isFinished },
                ambiguous: state.rows.values.count(where: \.isOpenInDoubt),
                calling: state.rows.values.count(where: \.isInDoubtByItsCallAlone), unpublished: 0, overdue: 0,
                bytes: 0,
                diskFreeBytes: 0)
        }
    }
}
