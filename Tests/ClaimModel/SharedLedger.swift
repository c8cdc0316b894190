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
        var row = system.row?.ledgerRow
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
            switch system.cancellation {
            case .none: nil
            case .beforeCall: .beforeCall
            case .always: .always
            }
        let lookup = LedgerRules.lookUp(row, arrival, cancellation: cancellation, at: RowState.now) { generation in
            let result = system.results[generation]
            return result.outcome.map { ResultRecord(result: Self.stored($0), isPublished: result.isPublished) }
        }
        guard let lookup else { preconditionFailure("a finished generation has its result") }
        return lookup
    }

    // MARK: Claim

    /// Whether the worker's claim is granted; then its lease is the row's.
    mutating func claim(_ system: inout SystemState, by index: Int, _ kind: Claim.Kind, presumesNew: Bool) -> Bool {
        let worker = system.workers[index]
        var row = system.row?.ledgerRow
        let lookup = lookUp(system, worker.message)
        var claim = Claim(
            arrival: RowState.arrival(worker.message), kind: kind, day: "2026-11-29", at: RowState.now, attempts: 0,
            isAmbiguous: worker.isAmbiguous, decidedUnder: Self.number(worker.decided), presumesNew: presumesNew)
        var terms = LeaseTerms(
            fence: RowState.claimed, callUntil: RowState.time(lease), ownerHasEnded: system.owner == nil)
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
            return false
        }
        switch mutant {
        case .claimIgnoresDoubt: claimed.isAmbiguous = worker.isAmbiguous || row?.mayHaveCalledUnheard ?? false
        case .takeoverForgetsIntent: claimed.isAmbiguous = row?.isAmbiguous ?? false
        case .overdueClosesDue: claimed.due = nil
        default: break
        }
        let isFirstCall = kind == .call && (row?.generation != claimed.generation || row?.firstCallAt == nil)
        save(claimed, &system)
        system.workers[index].isAmbiguous = claimed.isAmbiguous
        if isWithoutLease { return true }
        for other in 0...1 {
            if system.workers[other].lease == .current { system.workers[other].lease = .past }
            if system.workers[other].decided == .current { system.workers[other].decided = .past }
        }
        system.owner = index
        system.workers[index].lease = .current
        system.workers[index].leaseIsFirstCall = isFirstCall
        return true
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
        var row = system.row?.ledgerRow
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
            save(next, &system)
            if outcome.isEnd { finish(outcome, of: worker.generation, &system) }
        case .fenced(let next):
            if isHolder, row.map({ !$0.isFinished }) ?? false { broken = .holderIsHeard }
            if let next { save(next, &system) }
        case .unchanged, .alreadyEnded: break
        }
        return ruling
    }

    private mutating func finish(_ outcome: Outcome, of generation: Int, _ system: inout SystemState) {
        if system.results[generation].outcome != nil { broken = .firstResultStands }
        let isTrue =
            switch outcome {
            case .left, .alreadyLeft: system.hasLeft
            case .failedWithoutEffect: !system.hasLeft && system.flight == nil
            default: true
            }
        if !isTrue { broken = .resultsAreTrue }
        system.results[generation].outcome = outcome
        system.cancellation = .none
    }

    mutating func withdraw(_ system: inout SystemState, by index: Int) {
        let worker = system.workers[index]
        guard let row = system.row?.ledgerRow, var fence = Self.number(worker.lease) else { return }
        if mutant == .withdrawOfAnother { fence = row.fence }
        let lease = Lease(fence: fence, beginsBefore: .distantFuture, isFirstCall: worker.leaseIsFirstCall)
        if let next = LedgerRules.withdraw(row, lease, at: RowState.now) { save(next, &system) }
    }

    mutating func mark(_ system: inout SystemState, _ part: PublishedPart, generation: Int) {
        if case .result = part { system.results[generation].isPublished = true }
        guard let row = system.row?.ledgerRow else { return }
        if let next = LedgerRules.mark(row, part, generation: generation) { save(next, &system) }
    }

    // MARK: Orders

    /// A publisher's word.
    mutating func cancel(_ system: inout SystemState) {
        guard LedgerRules.mayCancel(system.row?.ledgerRow) else { return }
        system.cancellation = .beforeCall
    }

    /// An operator's last word: what it comes to is read, and written later.
    mutating func cancelForGood(_ system: inout SystemState) {
        switch LedgerRules.cancelForGood(leasedRow(system, .cancelWhileLeased), isFollowed: false, at: RowState.now) {
        case .remember: system.cancellation = .always
        case .end(let job):
            (system.cancellation, system.cancelSeen, system.seenInDoubt) = (.always, .current, job.hasCalled)
        case .hasEnded, .leased: break
        }
    }

    mutating func finishCancelled(_ system: inout SystemState) {
        defer { (system.cancelSeen, system.seenInDoubt) = (.none, false) }
        guard let row = leasedRow(system, .cancelWhileLeased) else { return }
        let job = CancelledJob(
            jobID: RowState.job, account: RowState.account, open: row.open, hasCalled: system.seenInDoubt,
            revision: revision(system.cancelSeen))
        guard let next = LedgerRules.finishCancelled(row, job, at: RowState.now) else { return }
        save(next, &system)
        finish(job.hasCalled ? .failedInDoubt : .failedWithoutEffect, of: row.generation, &system)
    }

    mutating func finishLost(_ system: inout SystemState) {
        defer { (system.lostSeen, system.seenInDoubt) = (.none, false) }
        guard let row = leasedRow(system, .lostWhileLeased) else { return }
        var job = OverdueJob(
            jobID: RowState.job, account: RowState.account, open: row.open, revision: revision(system.lostSeen))
        if mutant != .staleOrder { job.open.isAmbiguous = system.seenInDoubt }
        guard let next = LedgerRules.finishLost(row, job, at: RowState.now) else { return }
        save(next, &system)
        finish(system.seenInDoubt ? .failedInDoubt : .failedWithoutEffect, of: row.generation, &system)
    }

    private func leasedRow(_ system: SystemState, _ wrong: Mutant) -> LedgerRow? {
        var row = system.row?.ledgerRow
        if mutant == wrong { row?.callUntil = nil }
        return row
    }

    /// Of a row that was read earlier.
    private func revision(_ seen: Fence) -> Int {
        seen == .current || mutant == .staleOrder ? RowState.revision : RowState.revision - 1
    }

    // MARK: Values

    private mutating func save(_ next: LedgerRow, _ system: inout SystemState) {
        let saved = RowState(next)
        let isMoved = saved != system.row || next.fence == RowState.claimed
        if isMoved, system.row != nil, next.revision <= RowState.revision { broken = .changesShow }
        if isMoved {
            if system.cancelSeen == .current { system.cancelSeen = .past }
            if system.lostSeen == .current { system.lostSeen = .past }
        }
        if saved.deaths > (system.row?.deaths ?? 0), system.owner != nil { broken = .onlyTheDeadCount }
        system.row = saved
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
