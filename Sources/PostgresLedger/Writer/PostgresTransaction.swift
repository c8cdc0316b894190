import Clocks
import Jobs
import Ledger

/// What a batch decides: what was read and what is asked go in, the plan for each job comes out. No I/O.
///
/// Everything rests on the database's clock at the reading. A request has the asker's clock, by which due times are; a
/// lease is put in that clock's terms before the rules see it, and taken back into the database's after.
struct PostgresTransaction {
    let loaded: LoadedJobs
    let durations: LeaseDurations
    /// While the database's clock is not trusted, leases that seem to have ended last until then, by that clock.
    let frozenUntil: Timestamp?
    /// Nil for a process that is no member: it claims nothing.
    let epoch: Int?
    private(set) var accounts: AccountsPlan
    /// By the day: what is left of this member's allotment.
    private var left: [String: Int]

    init(loaded: LoadedJobs, durations: LeaseDurations, frozenUntil: Timestamp?, epoch: Int?) {
        self.loaded = loaded
        self.durations = durations
        self.frozenUntil = frozenUntil
        self.epoch = epoch
        accounts = AccountsPlan(loaded.slots, now: loaded.now, frozenUntil: frozenUntil)
        left = loaded.left
    }

    // MARK: One job

    /// `tries`: what earlier batches may have made of it.
    mutating func plan(_ requests: [PendingRequest], of id: JobID, tries: [JobTry]) -> JobPlan {
        let stored = loaded.jobs[id] ?? StoredJob()
        var plan = JobPlan(id, stored)
        var answered: Set<Int> = []
        if let landed = tries.last(where: { stored.isWhatWasMeant($0.after, results: $0.newResults) }) {
            confirm(landed, &plan)
            answered = Set(landed.answers.map(\.number))
        }
        for request in requests where !answered.contains(request.number) {
            plan.answers.append((request.number, answer(request, &plan)))
        }
        return plan
    }

    /// That a row can be read proves nothing: its replica may not have it. That it could be written again, and that
    /// commit is not in doubt, does. A claim's lease begins anew with it.
    private mutating func confirm(_ landed: JobTry, _ plan: inout JobPlan) {
        plan.after.raiseRevision()
        // The row of a cancel has no times but this one.
        plan.countedAt = loaded.now
        plan.answers = landed.answers
        for (_, answer) in landed.answers {
            guard case .claimed(_, let fence, _, let taken) = answer, let row = plan.after.row, row.fence == fence
            else {
                continue
            }
            let until = loaded.now + durations.whole
            plan.after.row?.callUntil = until
            plan.claims = true
            if let taken {
                let slot = accounts.renew(row.account, fence: fence, until: until)
                plan.slot = SlotHold(account: row.account, slot: slot ?? taken.slot(fence, until: until), taken: taken)
            }
        }
    }

    private mutating func answer(_ pending: PendingRequest, _ plan: inout JobPlan) -> JobAnswer {
        switch pending.request {
        case .lookUp(let arrival, let now):
            guard let lookup = found(arrival, plan.after, at: now) else { return Self.resultIsMissing(arrival.jobID) }
            return .found(lookup)
        case .claim(let claim): return answer(claim, fence: pending.fence, &plan)
        case .record(let record, let lease, let isUnheard, let now):
            return answer(record, under: lease, isUnheard: isUnheard, at: now, &plan)
        case .withdraw(let lease, _, let kind, let day, let now):
            let shown = shown(plan.after.row, at: now)
            if let shown { accounts.withdraw(shown.account, lease) }
            guard let withdrawn = LedgerRules.withdraw(shown, lease, at: now) else { return .done }
            save(LedgerChange(withdrawn), shown: shown, at: now, &plan)
            // Of the member that claimed: this process may have joined anew since.
            count(-1, kind, MemberDay(day: day, epoch: Int(lease.fence >> 32)), at: now, &plan)
            return .done
        case .mark(let part, _, let generation):
            mark(part, generation: generation, &plan)
            return .done
        case .cancel(_, let now):
            guard LedgerRules.mayCancel(shown(plan.after.row, at: now)) else { return .isDone(false) }
            remember(.beforeCall, at: now, &plan)
            return .isDone(true)
        case .cancelForGood(let id, let newest, let now):
            return cancelForGood(id, newest: newest, at: now, &plan)
        case .finishLost(let job, let result, let now):
            let shown = shown(plan.after.row, at: now)
            return end(LedgerRules.change(of: shown, losing: job, result: result, at: now), shown, at: now, &plan)
        case .finishCancelled(let job, let result, let now):
            let shown = shown(plan.after.row, at: now)
            return end(LedgerRules.change(of: shown, cancelling: job, result: result, at: now), shown, at: now, &plan)
        case .refuse(let account, let cause, let minimum, let now):
            plan.refused = account
            return .waits(until: asked(accounts.refuse(account, cause, atLeast: minimum), at: now))
        }
    }

    private func end(
        _ change: LedgerChange?, _ shown: LedgerRow?, at now: Timestamp, _ plan: inout JobPlan
    ) -> JobAnswer {
        guard let change else { return .isDone(false) }
        save(change, shown: shown, at: now, &plan)
        return .isDone(true)
    }

    // MARK: Lookup and claim

    private func found(_ arrival: Arrival, _ job: StoredJob, at now: Timestamp) -> LookupResult? {
        LedgerRules.lookUp(shown(job.row, at: now), arrival, cancellation: job.cancellation, at: now) {
            (generation) throws(Never) in job.results[generation]
        }
    }

    private mutating func answer(_ claim: Claim, fence: Int64, _ plan: inout JobPlan) -> JobAnswer {
        guard let epoch, loaded.memberState?.isLive ?? false else {
            return .failed(.unavailable("this process is no member of the ledger now: it joins anew, and goes on then"))
        }
        guard let lookup = found(claim.arrival, plan.after, at: claim.at) else {
            return Self.resultIsMissing(plan.jobID)
        }
        let shown = shown(plan.after.row, at: claim.at)
        let terms = LeaseTerms(
            fence: fence, callUntil: claim.at + durations.whole, ownerHasEnded: plan.after.ownerHasEnded)
        guard let change = LedgerRules.change(of: shown, by: claim, lookup: lookup, terms: terms) else {
            return .refused(lookup)
        }
        guard isAllotted(claim, to: epoch, plan) else { return .notAllotted }
        var hold: SlotHold?
        let account = claim.arrival.account
        if claim.kind == .call, let limits = claim.limits {
            switch accounts.take(claim, fence: fence, callUntil: loaded.now + durations.whole, limits: limits) {
            case .taken(let slot, let taken): hold = SlotHold(account: account, slot: slot, taken: taken)
            case .busy(let busy): return .busy(asked(busy, at: claim.at))
            }
        }
        plan.slot = hold
        plan.guess = loaded.guess(of: plan.jobID, account, slots: hold == nil ? nil : claim.limits?.slots)
        if shown?.hasOpenIntent == true { plan.takeovers += 1 }
        let isFirstCall = change.row.isFirstCall(of: claim, over: shown)
        if change.isBehind { plan.behind.append(claim.arrival) }
        save(change, shown: shown, at: claim.at, &plan)
        count(1, claim.kind, MemberDay(day: claim.day, epoch: epoch), at: claim.at, &plan)
        if claim.allottedTo != nil {
            left[claim.day, default: 0] -= 1
            plan.spending = (claim.day, (plan.spending?.calls ?? 0) + 1)
        }
        plan.claims = true
        // From here on it is this process's own.
        plan.after.ownerHasEnded = false
        return .claimed(LedgerRules.claimed(change.row), fence: fence, isFirstCall: isFirstCall, slot: hold?.taken)
    }

    /// What was allotted to the process before it was taken for dead is the others' by now.
    private func isAllotted(_ claim: Claim, to epoch: Int, _ plan: JobPlan) -> Bool {
        guard let member = claim.allottedTo else { return true }
        // Of one day at a time: a job has one claim in a batch, but for those that nobody waits for any more.
        return member == Int64(epoch) && left[claim.day, default: 0] > 0
            && plan.spending.map { $0.day == claim.day } ?? true
    }

    private static func resultIsMissing(_ id: JobID) -> JobAnswer {
        .failed(.unavailable("job \(id) is finished and has no stored result: ask the ledger for its faults"))
    }

    // MARK: Record and mark

    private mutating func answer(
        _ record: Record, under lease: Lease?, isUnheard: Bool, at now: Timestamp, _ plan: inout JobPlan
    ) -> JobAnswer {
        let shown = shown(plan.after.row, at: now)
        let (change, answer) = LedgerRules.change(of: shown, by: record, under: lease, isUnheard: isUnheard, at: now)
        // Whatever becomes of the record: its call has been heard.
        if let lease, !isUnheard {
            accounts.free(record.arrival.account, fence: lease.fence, isProof: record.isProof)
        }
        if answer == .fenced { plan.fencedRecords += 1 }
        if let change {
            if let lease, let shown, shown.generation == record.arrival.generation, shown.fence != lease.fence,
                record.isProof
            {
                plan.lateEvidence += 1
            }
            if change.isBehind { plan.behind.append(record.arrival) }
            save(change, shown: shown, at: now, &plan)
        }
        return .recorded(answer)
    }

    private func mark(_ part: PublishedPart, generation: Int, _ plan: inout JobPlan) {
        if case .result = part {
            plan.marked.append(generation)
            plan.after.results[generation]?.isPublished = true
        } else if let row = plan.after.row, let marked = LedgerRules.mark(row, part, generation: generation) {
            plan.after.row = marked
            plan.after.revision = marked.revision
        }
    }

    // MARK: Cancel

    private func remember(_ cancellation: Cancellation, at now: Timestamp, _ plan: inout JobPlan) {
        // A last word is not taken back by one that says less.
        if plan.after.cancellation != .always { plan.after.cancellation = cancellation }
        plan.after.raiseRevision()
        plan.countedAt = plan.countedAt ?? now
    }

    private func cancelForGood(
        _ id: JobID, newest: Int?, at now: Timestamp, _ plan: inout JobPlan
    ) -> JobAnswer {
        let shown = shown(plan.after.row, at: now)
        var isFollowed = false
        if let shown, shown.isFinished {
            isFollowed = newest.map { $0 > shown.generation } ?? false || plan.after.wasRedriven
        }
        switch LedgerRules.cancelForGood(shown, isFollowed: isFollowed, at: now) {
        case .remember:
            remember(.always, at: now, &plan)
            return .cancelled(.remembered)
        case .end(var job):
            remember(.always, at: now, &plan)
            job.revision = plan.after.revision
            return .cancelled(.open(job))
        case .leased(let until): return .cancelled(.leased(until: until))
        case .hasEnded(let row):
            guard let result = plan.after.results[row.generation]?.result else { return Self.resultIsMissing(id) }
            return .cancelled(.ended(result))
        }
    }

    // MARK: What is changed

    private func save(_ change: LedgerChange, shown: LedgerRow?, at now: Timestamp, _ plan: inout JobPlan) {
        var row = change.row
        // Untouched, it stays to the millisecond what it was.
        row.callUntil =
            row.callUntil == shown?.callUntil ? plan.after.row?.callUntil : row.callUntil.map { stored($0, at: now) }
        // Of a job that comes to a row which a cancel made.
        if plan.after.row == nil { row.revision += plan.after.revision }
        plan.after.row = row
        plan.after.revision = row.revision
        if change.forgetsCancel { plan.after.cancellation = nil }
        if let result = change.result, plan.after.results[change.resultGeneration] == nil {
            plan.after.results[change.resultGeneration] = ResultRecord(result: result, isPublished: false)
            plan.newResults.append(change.resultGeneration)
        }
    }

    private func count(_ number: Int, _ kind: Claim.Kind, _ day: MemberDay, at now: Timestamp, _ plan: inout JobPlan) {
        var count = plan.counts[day] ?? DayCount(calls: 0, albumQueries: 0)
        switch kind {
        case .call: count.calls += number
        case .albumQuery: count.albumQueries += number
        }
        plan.counts[day] = count
        plan.countedAt = plan.countedAt ?? now
    }

    // MARK: Two clocks

    /// The row with its lease in the terms of the asker's clock, which says `now` when the database's says its own.
    private func shown(_ row: LedgerRow?, at now: Timestamp) -> LedgerRow? {
        guard var row, let until = row.callUntil else { return row }
        let end = frozenUntil.map { max($0, until) } ?? until
        row.callUntil = now + (end - loaded.now)
        return row
    }

    private func stored(_ time: Timestamp, at now: Timestamp) -> Timestamp { loaded.now + (time - now) }

    /// A time of the database's in the asker's terms.
    private func asked(_ time: Timestamp, at now: Timestamp) -> Timestamp { now + (time - loaded.now) }

    private func asked(_ busy: AccountBusy, at now: Timestamp) -> AccountBusy {
        switch busy {
        case .calls(let end): .calls(endingBy: asked(end, at: now))
        case .rate(let until): .rate(until: asked(until, at: now))
        case .refused(let cause, let until): .refused(cause, until: asked(until, at: now))
        }
    }
}

extension StoredJob {
    mutating func raiseRevision() {
        revision += 1
        row?.revision = revision
    }
}
