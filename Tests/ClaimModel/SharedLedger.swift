import Clocks
import Jobs
import Ledger
import Secrets

/// The ledger that both workers share: it loads, asks `LedgerRules`, and saves, as every ledger does. One call is one
/// commit.
struct SharedLedger {
    let mutant: Mutant?
    /// What a commit broke.
    var broken: Property?

    init(mutant: Mutant?) { self.mutant = mutant }

    // MARK: Look

    func lookUp(_ system: SystemState, _ message: UInt8) -> LookupResult {
        let job = system.jobs[Message.job(message)]
        var row = job.row?.ledgerRow
        let arrival = RowState.arrival(message)
        switch mutant {
        case .takeoverAtTheEnd:
            let end = row?.callUntil
            row?.callUntil = end.map { $0 - .milliseconds(1) }
        case .newGenerationIgnoresLease where row.map { $0.generation < arrival.generation } ?? false:
            row?.callUntil = nil
        case .newGenerationForgetsDoubt: row?.forgetDoubt(before: arrival)
        default: break
        }
        let cancellation: Cancellation? =
            switch job.cancellation {
            case .none: nil
            case .beforeCall: .beforeCall
            case .always: .always
            }
        let lookup = LedgerRules.lookUp(row, arrival, cancellation: cancellation, at: RowState.now) { generation in
            let result = job.results[generation]
            return result.outcome.map { ResultRecord(result: Self.stored($0), isPublished: result.isPublished) }
        }
        guard let lookup else { preconditionFailure("a finished generation has its result") }
        return lookup
    }

    // MARK: Claim

    enum Claiming {
        /// The worker's lease is the row's.
        case granted
        case refused
        case busy
    }

    mutating func claim(
        _ system: inout SystemState, by index: Int, _ kind: Claim.Kind, presumesNew: Bool
    ) -> Claiming {
        let worker = system.workers[index]
        let job = worker.job
        var row = system.jobs[job].row?.ledgerRow
        let lookup = lookUp(system, worker.message)
        var claim = Claim(
            arrival: RowState.arrival(worker.message), kind: kind, day: "2026-11-29", at: RowState.now, attempts: 0,
            isAmbiguous: worker.isAmbiguous, decidedUnder: Self.number(worker.decided), presumesNew: presumesNew)
        var terms = LeaseTerms(
            fence: RowState.claimed, callUntil: RowState.time(lease), ownerHasEnded: system.jobs[job].owner == nil)
        switch mutant {
        case .claimIgnoresFence: claim.decidedUnder = nil
        case .claimIgnoresDoubt: claim.isAmbiguous = true
        case .livingCountsAsDead: terms.ownerHasEnded = true
        case .takeoverForgetsIntent: row?.hasOpenIntent = false
        case .newGenerationForgetsDoubt: row?.forgetDoubt(before: claim.arrival)
        default: break
        }
        let isWithoutLease = mutant == .questionTakesNoLease && kind == .albumQuery
        guard var claimed = LedgerRules.claim(row, claim, lookup: lookup, terms: isWithoutLease ? nil : terms) else {
            return .refused
        }
        switch mutant {
        case .claimIgnoresDoubt: claimed.isAmbiguous = worker.isAmbiguous || row?.mayHaveCalledUnheard ?? false
        case .takeoverForgetsIntent: claimed.isAmbiguous = row?.isAmbiguous ?? false
        case .overdueClosesDue: claimed.due = nil
        default: break
        }
        let isFirstCall = kind == .call && (row?.generation != claimed.generation || row?.firstCallAt == nil)
        var slot = system.slot
        // What the worker remembers from now on is the fence of this claim.
        if slot.holder == SlotState.Holder(worker: index) { slot.holder = .forgotten }
        if system.hasTwoJobs, kind == .call, mutant != .callTakesNoSlot, !takeSlot(&slot, for: index) { return .busy }
        system.slot = slot
        save(claimed, &system, job)
        system.workers[index].isAmbiguous = claimed.isAmbiguous
        if isWithoutLease { return .granted }
        for other in 0...1 where system.workers[other].job == job {
            if system.workers[other].lease == .current { system.workers[other].lease = .past }
            if system.workers[other].decided == .current { system.workers[other].decided = .past }
        }
        system.jobs[job].owner = index
        system.workers[index].lease = .current
        system.workers[index].leaseIsFirstCall = isFirstCall
        return .granted
    }

    /// How long a lease runs.
    private var lease: Int8 {
        switch mutant {
        case .leaseWithoutTimeLimit: Ticks.sendWindow + Ticks.grace
        case .leaseWithoutGrace: Ticks.sendWindow + Ticks.timeLimit
        case .noLease: -1
        default: Ticks.sendWindow + Ticks.timeLimit + Ticks.grace
        }
    }

    // MARK: Record

    mutating func record(
        _ system: inout SystemState, by index: Int, _ outcome: Outcome, isUnheard: Bool
    ) -> LedgerRules.RecordRuling {
        let worker = system.workers[index]
        let arrival = RowState.arrival(worker.message)
        var row = system.jobs[worker.job].row?.ledgerRow
        let isHolder = worker.lease == .current && row?.generation == worker.generation
        var isAmbiguous = worker.isAmbiguous
        var fence = Self.number(worker.lease)
        switch mutant {
        case .fencedIsBelieved where fence != nil: fence = row?.fence
        case .holderIsFenced where isHolder: fence = RowState.past
        case .recordWithoutLeaseIsBelieved where fence == nil: isAmbiguous = true
        case .secondResultIsBelieved where outcome.isEnd: row?.isFinished = false
        default: break
        }
        let record: Record =
            switch outcome {
            case .left, .alreadyLeft, .failedWithoutEffect, .failedInDoubt:
                .finished(
                    arrival, Self.stored(outcome), attempts: 0, isAmbiguous: isAmbiguous,
                    needsDeadLetter: Self.stored(outcome).outcome == .failed)
            case .parked:
                .parked(
                    arrival, attempts: 0, isAmbiguous: isAmbiguous, malformedAnswers: 0, due: RowState.now)
            case .callEnded: .callEnded(arrival, attempts: 0, isAmbiguous: isAmbiguous, malformedAnswers: 0)
            case .postponed: .postponed(arrival, due: RowState.now)
            case .steppedAside: .steppedAside(arrival, due: RowState.now)
            }
        let lease = fence.map {
            Lease(fence: $0, beginsBefore: .distantFuture, isFirstCall: worker.leaseIsFirstCall)
        }
        let ruling = LedgerRules.record(
            row, record, under: lease, isUnheard: isUnheard && mutant != .unheardClosesTheLease, at: RowState.now)
        switch ruling {
        case .save(var next):
            if mutant == .recordWithoutLeaseIsBelieved, fence == nil, !worker.isAmbiguous {
                next.isAmbiguous = row?.isAmbiguous ?? false
            }
            save(next, &system, worker.job)
            if outcome.isEnd { finish(outcome, of: worker.generation, &system.jobs[worker.job]) }
        case .fenced(let next):
            if isHolder, row.map({ !$0.isFinished }) ?? false { broken = .holderIsHeard }
            if let next { save(next, &system, worker.job) }
        case .unchanged, .alreadyEnded: break
        }
        if worker.lease != .none, !isUnheard || mutant == .unheardFreesTheSlot { freeSlot(&system.slot, of: index) }
        return ruling
    }

    private mutating func finish(_ outcome: Outcome, of generation: Int, _ job: inout JobState) {
        if job.results[generation].outcome != nil { broken = .firstResultStands }
        let isTrue =
            switch outcome {
            case .left, .alreadyLeft: job.hasLeft
            case .failedWithoutEffect: !job.hasLeft && job.flight == nil
            default: true
            }
        if !isTrue { broken = .resultsAreTrue }
        job.results[generation].outcome = outcome
        job.cancellation = .none
    }

    mutating func withdraw(_ system: inout SystemState, by index: Int) {
        let worker = system.workers[index]
        if worker.lease != .none { freeSlot(&system.slot, of: index) }
        guard let row = system.jobs[worker.job].row?.ledgerRow, var fence = Self.number(worker.lease) else { return }
        if mutant == .withdrawOfAnother { fence = row.fence }
        let lease = Lease(fence: fence, beginsBefore: .distantFuture, isFirstCall: worker.leaseIsFirstCall)
        if let next = LedgerRules.withdraw(row, lease, at: RowState.now) { save(next, &system, worker.job) }
    }

    mutating func mark(_ system: inout SystemState, _ job: Int, _ part: PublishedPart, generation: Int) {
        if case .result = part { system.jobs[job].results[generation].isPublished = true }
        guard let row = system.jobs[job].row?.ledgerRow else { return }
        if let next = LedgerRules.mark(row, part, generation: generation) { save(next, &system, job) }
    }

    // MARK: Orders, of the one job there is

    /// A publisher's word.
    mutating func cancel(_ system: inout SystemState) {
        guard LedgerRules.mayCancel(system.jobs.first.row?.ledgerRow) else { return }
        system.jobs.first.cancellation = .beforeCall
    }

    /// An operator's last word: what it comes to is read, and written later.
    mutating func cancelForGood(_ system: inout SystemState) {
        switch LedgerRules.cancelForGood(leasedRow(system, .cancelWhileLeased), isFollowed: false, at: RowState.now) {
        case .remember: system.jobs.first.cancellation = .always
        case .end(let job):
            system.jobs.first.cancellation = .always
            (system.jobs.first.cancelSeen, system.jobs.first.seenInDoubt) = (.current, job.hasCalled)
        case .hasEnded, .leased: break
        }
    }

    mutating func finishCancelled(_ system: inout SystemState) {
        let (seen, seenInDoubt) = (system.jobs.first.cancelSeen, system.jobs.first.seenInDoubt)
        defer { (system.jobs.first.cancelSeen, system.jobs.first.seenInDoubt) = (.none, false) }
        guard let row = leasedRow(system, .cancelWhileLeased) else { return }
        let job = CancelledJob(
            jobID: RowState.job, account: RowState.account, open: row.open, hasCalled: seenInDoubt,
            revision: revision(seen))
        guard let next = LedgerRules.finishCancelled(row, job, at: RowState.now) else { return }
        save(next, &system, 0)
        finish(job.hasCalled ? .failedInDoubt : .failedWithoutEffect, of: row.generation, &system.jobs.first)
    }

    mutating func finishLost(_ system: inout SystemState) {
        let (seen, seenInDoubt) = (system.jobs.first.lostSeen, system.jobs.first.seenInDoubt)
        defer { (system.jobs.first.lostSeen, system.jobs.first.seenInDoubt) = (.none, false) }
        guard let row = leasedRow(system, .lostWhileLeased) else { return }
        var job = OverdueJob(
            jobID: RowState.job, account: RowState.account, open: row.open, revision: revision(seen))
        if mutant != .staleOrder { job.open.isAmbiguous = seenInDoubt }
        guard let next = LedgerRules.finishLost(row, job, at: RowState.now) else { return }
        save(next, &system, 0)
        finish(seenInDoubt ? .failedInDoubt : .failedWithoutEffect, of: row.generation, &system.jobs.first)
    }

    private func leasedRow(_ system: SystemState, _ wrong: Mutant) -> LedgerRow? {
        var row = system.jobs.first.row?.ledgerRow
        if mutant == wrong { row?.callUntil = nil }
        return row
    }

    /// Of a row that was read earlier.
    private func revision(_ seen: Fence) -> Int {
        seen == .current || mutant == .staleOrder ? RowState.revision : RowState.revision - 1
    }

    // MARK: Values

    private mutating func save(_ next: LedgerRow, _ system: inout SystemState, _ number: Int) {
        let saved = RowState(next)
        var job = system.jobs[number]
        let isMoved = saved != job.row || next.fence == RowState.claimed
        if isMoved, job.row != nil, next.revision <= RowState.revision { broken = .changesShow }
        if isMoved {
            if job.cancelSeen == .current { job.cancelSeen = .past }
            if job.lostSeen == .current { job.lostSeen = .past }
        }
        if saved.deaths > (job.row?.deaths ?? 0), job.owner != nil { broken = .onlyTheDeadCount }
        job.row = saved
        system.jobs[number] = job
    }

    private static func number(_ fence: Fence) -> Int64? {
        switch fence {
        case .none: nil
        case .past: RowState.past
        case .current: RowState.current
        }
    }

    private static func stored(_ outcome: Outcome) -> StoredResult {
        let word: Jobs.Outcome =
            switch outcome {
            case .left: .left
            case .alreadyLeft: .alreadyLeft
            default: .failed
            }
        return StoredResult(
            messageID: "job", outcome: word, reason: nil, body: [], correlationID: nil, traceparent: nil,
            tracestate: nil, completedAt: RowState.now)
    }
}

extension LedgerRow {
    fileprivate mutating func forgetDoubt(before arrival: Arrival) {
        guard generation < arrival.generation else { return }
        (isAmbiguous, hasOpenIntent) = (false, false)
    }
}
