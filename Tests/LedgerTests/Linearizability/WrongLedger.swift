import Clocks
import Concurrency
import Jobs
import Ledger

@testable import SharedLedger

/// A shared ledger with one thing wrong: what a search for contradictions is worth shows in what it finds here.
final class WrongLedger: LedgerWrapper {
    enum Fault: CaseIterable {
        /// Whoever records is taken for the holder.
        case fenceIsNotCompared
        case anybodyWithdraws
        /// What was read once is read again and again.
        case readsAreStale
        /// Between what a claim reads and what it writes others write.
        case claimIsTwoSteps
        case recordIsTwoSteps
        case slotsAreOff
        case unheardCallsAreOver
        case leaseIsShort
        /// It answers before it writes, and a kill in between loses that.
        case answersTooSoon
    }

    private let fault: Fault
    let inner: SharedMemoryLedger
    private let jobs: SharedJobs
    private let pause: @Sendable () async -> Void
    private let read = Lock<[String: LookupResult]>([:])
    private let answered = Lock(0)

    init(_ fault: Fault, _ jobs: SharedJobs, clock: any TimeSource, pause: @escaping @Sendable () async -> Void) {
        (self.fault, self.jobs, self.pause) = (fault, jobs, pause)
        var durations = SharedMemoryLedger.durations
        if fault == .leaseIsShort { durations.callTimeout = .seconds(1) }
        inner = SharedMemoryLedger(jobs, durations: durations, clock: clock)
    }

    func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult {
        let lookup = try await inner.lookUp(arrival, at: now)
        guard fault == .readsAreStale else { return lookup }
        return read.withLock { read in
            let name = "\(arrival.jobID.string) \(arrival.generation) \(arrival.copy)"
            defer { read[name] = read[name] ?? lookup }
            return read[name] ?? lookup
        }
    }

    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        var claim = claim
        if fault == .slotsAreOff { claim.limits = nil }
        guard fault == .claimIsTwoSteps else { return try await inner.claim(claim) }
        let before = jobs.state.withLock { $0 }
        await pause()
        return try await onWhatWasRead(before, claim.arrival) { () async throws(LedgerError) in
            try await self.inner.claim(claim)
        }
    }

    func record(_ record: Record, under lease: Lease?, isUnheard: Bool) async throws(LedgerError) -> Recorded {
        switch fault {
        case .fenceIsNotCompared:
            return try await inner.record(
                record, under: mine(lease, record.arrival.jobID), isUnheard: isUnheard)
        case .unheardCallsAreOver: return try await inner.record(record, under: lease, isUnheard: false)
        case .recordIsTwoSteps:
            let before = jobs.state.withLock { $0 }
            await pause()
            return try await onWhatWasRead(before, record.arrival) { () async throws(LedgerError) in
                try await self.inner.record(record, under: lease, isUnheard: isUnheard)
            }
        case .answersTooSoon:
            let isLost = answered.withLock { answered in
                answered += 1
                return answered % 10 == 0
            }
            let before = jobs.state.withLock { $0 }
            let recorded = try await inner.record(record, under: lease, isUnheard: isUnheard)
            if isLost { restore(before, record.arrival) }
            return recorded
        case .anybodyWithdraws, .readsAreStale, .claimIsTwoSteps, .slotsAreOff, .leaseIsShort:
            return try await inner.record(record, under: lease, isUnheard: isUnheard)
        }
    }

    /// Lets `body` see what was there before, and write over what has come since.
    private func onWhatWasRead<Answer>(
        _ before: SharedJobs.State, _ arrival: Arrival, _ body: () async throws(LedgerError) -> Answer
    ) async throws(LedgerError) -> Answer {
        restore(before, arrival)
        return try await body()
    }

    private func restore(_ before: SharedJobs.State, _ arrival: Arrival) {
        jobs.state.withLock { state in
            state.rows[arrival.jobID] = before.rows[arrival.jobID]
            state.results[arrival.jobID] = before.results[arrival.jobID]
        }
    }

    private func mine(_ lease: Lease?, _ id: JobID) -> Lease? {
        guard let lease, let fence = jobs.row(id)?.fence else { return lease }
        return Lease(
            fence: fence, beginsBefore: lease.beginsBefore, isFirstCall: lease.isFirstCall, slot: lease.slot)
    }

    func withdraw(_ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String) async throws(LedgerError) {
        let lease = fault == .anybodyWithdraws ? mine(lease, jobID) ?? lease : lease
        try await inner.withdraw(lease, of: jobID, kind: kind, day: day)
    }

    var sharesAccounts: Bool { true }
}
