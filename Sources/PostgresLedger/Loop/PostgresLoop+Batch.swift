import Clocks
import Jobs
import Ledger

/// One batch: read, decide, write, answer.
extension PostgresLoop {
    /// Reads, decides, and sends. What has nothing to write is at its end with that.
    mutating func perform(_ portion: PostgresBacklog.Portion) throws(PostgresError) {
        let asked = parts.clock.now()
        inPreparation = portion
        defer { inPreparation = PostgresBacklog.Portion() }
        let outgoing = try outgoing(portion, asked: asked)
        let batch = DepartedBatch(outgoing: outgoing, asked: asked, departed: parts.clock.now())
        if outgoing.batch.executions.isEmpty {
            end(batch, .success([]))
        } else {
            do throws(PostgresError) {
                try depart(batch)
            } catch {
                giveBackNumbers(of: outgoing.plans)
                throw error
            }
        }
        backlog.putBack(outgoing.left, at: parts.clock.now())
    }

    /// What came of a batch.
    mutating func end(_ batch: DepartedBatch, _ result: Result<[PostgresRows], PostgresError>) {
        do throws(PostgresError) {
            try note(batch, try rows(result, of: batch))
            noteLanded(batch)
        } catch {
            fail(error, batch.outgoing.sent)
        }
    }

    private mutating func rows(
        _ result: Result<[PostgresRows], PostgresError>, of batch: DepartedBatch
    ) throws(PostgresError) -> [PostgresRows] {
        do throws(PostgresError) {
            return try result.get()
        } catch {
            if error.kind == .outcomeUnknown {
                backlog.noteDoubt(batch.outgoing.plans)
            } else {
                giveBackNumbers(of: batch.outgoing.plans)
            }
            throw error
        }
    }

    /// It is committed.
    private mutating func note(_ batch: DepartedBatch, _ rows: [PostgresRows]) throws(PostgresError) {
        let outgoing = batch.outgoing
        if let watermark = outgoing.watermark { outbox.noteWritten(watermark, at: parts.clock.now()) }
        do throws(PostgresError) {
            try answer(outgoing, rows, beginsBefore: batch.asked + parts.durations.sendWindow)
        } catch {
            // Nobody has been answered.
            backlog.noteDoubt(outgoing.plans)
            throw error
        }
        parts.gauge.committed(
            operations: outgoing.sent.requests.count + outgoing.sent.queries.count,
            took: parts.clock.now() - batch.asked)
    }

    // MARK: Read and decide

    private mutating func outgoing(
        _ portion: PostgresBacklog.Portion, asked: MonotonicTime
    ) throws(PostgresError) -> Outgoing {
        let requests = ofThisEpoch(portion.requests)
        guard !requests.isEmpty else {
            var outgoing = Outgoing(most: mostBytes, epoch: membership?.epoch)
            outgoing.finish([], portion, &outbox, mayMark: mayMark, at: asked)
            return outgoing
        }
        var byJob: [JobID: [PendingRequest]] = [:]
        for request in requests { byJob[request.request.jobID, default: []].append(request) }
        // In one order everywhere, so that two batches cannot wait for each other.
        let ids = byJob.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let doubted = backlog.tries
        let decided = requests.filter { $0.request.needsJob || doubted[$0.request.jobID] != nil }
        let guesses = isFrozen ? JobGuesses() : JobGuesses(decided, recent: failover.recent, doubted: doubted)
        let read = decided.filter { guesses.jobs[$0.request.jobID] == nil }
        var loaded: LoadedJobs
        if read.isEmpty {
            loaded = LoadedJobs(guesses, now: parts.clusterClock.wall())
        } else {
            loaded = try load(read, doubted, asked: asked)
            if try rejoinIfNeeded(loaded.memberState) { return try self.outgoing(portion, asked: asked) }
            loaded.add(guesses)
        }
        let now = parts.clock.now()
        var transaction = PostgresTransaction(
            loaded: loaded, durations: parts.durations,
            frozenUntil: frozenUntil.flatMap { $0 > now ? loaded.now + ($0 - now) : nil }, epoch: membership?.epoch)
        var outgoing = Outgoing(most: mostBytes, epoch: membership?.epoch, lockTimeout: portion.lockTimeout)
        var undecided: Set<JobID> = []
        for id in ids {
            let own = byJob[id] ?? []
            // What does not fit decides nothing: neither of its job nor of its account.
            guard outgoing.makePlace(for: own) else { continue }
            let plan = transaction.plan(own, of: id, tries: doubted[id] ?? [])
            if guesses.jobs[id] == nil || plan.restsOnWriting { outgoing.add(plan, own) } else { undecided.insert(id) }
        }
        guard undecided.isEmpty else { return try self.outgoing(portion.reading(undecided), asked: asked) }
        // A row that is gone since is seen by the claim, which is read then and makes one.
        let recent = failover.accounts
        outgoing.finish(
            transaction.accounts.changes,
            hasRow: { read.isEmpty && recent.hasWritten($0.after, of: $0.account) }, portion, &outbox, mayMark: mayMark,
            at: now)
        return outgoing
    }

    /// The watermark is one row: two batches that have it would wait for each other.
    private var mayMark: Bool { connections.allSatisfy { $0.batch?.outgoing.watermark == nil } }

    /// While the database's clock is not trusted nothing is guessed of it.
    private var isFrozen: Bool { frozenUntil.map { $0 > parts.clock.now() } ?? false }

    /// What is stored of the jobs that these requests are about.
    private mutating func load(
        _ requests: [PendingRequest], _ doubted: [JobID: [JobTry]], asked: MonotonicTime
    ) throws(PostgresError) -> LoadedJobs {
        func ids(where isMeant: (JobRequest) -> Bool) -> Set<JobID> {
            Set(requests.lazy.map(\.request).filter(isMeant).map(\.jobID))
        }
        let all = ids { _ in true }
        let doubtful = all.filter { doubted[$0]?.contains { !$0.newResults.isEmpty } ?? false }
        var batch = PostgresBatch()
        JobLoading.add(
            Array(all), results: Array(ids(where: \.needsResults).union(doubtful)),
            redrives: Array(ids(where: \.needsRedrives)), accounts: Array(Set(requests.compactMap(\.request.account))),
            withdrawn: requests.filter(\.request.isWithdrawal).map(\.request.jobID),
            days: Array(Set(requests.compactMap(\.request.allottedDay))), by: asking(as: membership?.epoch), to: &batch)
        let answer: [PostgresRows]
        do throws(PostgresError) {
            answer = try send(batch)
        } catch {
            var error = error
            // Nothing was to be committed.
            if error.kind == .outcomeUnknown { error.kind = .unavailable }
            throw error
        }
        let answered = parts.clock.now()
        do throws(PostgresDecodingError) {
            let loaded = try JobLoading.decode(answer[...])
            learnTime(loaded.now, asked: asked, answered: answered)
            return loaded
        } catch {
            throw fault(error)
        }
    }

    /// A claim that has waited while the process joined anew is made by the member that it is now, with a fence of that:
    /// whoever is asked about the owner of the row is not told of a member that is dead. What was allotted to the former is
    /// not taken along, see `Claim.allottedTo`. What a batch in doubt has made of the claim stays what it was.
    private mutating func ofThisEpoch(_ requests: [PendingRequest]) -> [PendingRequest] {
        guard let epoch = membership?.epoch else { return requests }
        var requests = requests
        for (index, request) in requests.enumerated() {
            guard case .claim = request.request, request.fence >> 32 != Int64(epoch),
                let fence = membership?.nextFence()
            else { continue }
            requests[index].fence = fence
        }
        return requests
    }

    // MARK: Answer

    private mutating func answer(
        _ outgoing: Outgoing, _ rows: [PostgresRows], beginsBefore: MonotonicTime
    ) throws(PostgresError) {
        let (moved, answers): (Set<JobID>, [[PostgresRows]])
        do throws(PostgresDecodingError) {
            (moved, answers) = try outgoing.read(rows)
        } catch {
            throw fault(error)
        }
        var again = PostgresBacklog.Portion()
        again.requests = outgoing.sent.requests.filter { moved.contains($0.request.jobID) }
        backlog.putBack(again.reading(moved), at: parts.clock.now())
        giveBackNumbers(of: outgoing.plans.filter { moved.contains($0.jobID) })
        // Whoever is answered finds it counted.
        count(outgoing.plans.filter { !moved.contains($0.jobID) })
        if membership != nil { remember(outgoing, besides: moved) }
        let replies = Dictionary(outgoing.sent.requests.map { ($0.number, $0.reply) }) { first, _ in first }
        for plan in outgoing.plans where !moved.contains(plan.jobID) {
            settleNumbers(of: plan)
            backlog.settle(plan.jobID)
            for (number, answer) in plan.answers { replies[number]?(answer, beginsBefore) }
            for arrival in plan.behind { parts.onBehind(arrival) }
        }
        for (query, answer) in zip(outgoing.sent.queries, answers) {
            do throws(PostgresDecodingError) {
                try query.decode(answer[...])()
            } catch {
                query.refuse(.unavailable(fault(error).description))
            }
        }
    }

    // MARK: Numbers of results

    /// They were not written, but for what a batch in doubt may have made of them.
    private mutating func giveBackNumbers(of plans: [JobPlan]) {
        let now = parts.clock.now()
        for plan in plans {
            for generation in plan.numbers.keys
            where backlog.tries[plan.jobID]?.contains(where: { $0.newResults.contains(generation) }) != true {
                outbox.giveBack(plan.jobID, generation, at: now)
            }
        }
    }

    /// What a batch in doubt was to write of the job is there by now, or never will be.
    private mutating func settleNumbers(of plan: JobPlan) {
        for generation in (backlog.tries[plan.jobID] ?? []).flatMap(\.newResults)
        where plan.after.results[generation] == nil {
            outbox.giveBack(plan.jobID, generation, at: parts.clock.now())
        }
    }

    /// For a database that fails over.
    private mutating func remember(_ outgoing: Outgoing, besides moved: Set<JobID>) {
        let now = parts.clock.now()
        let plans = outgoing.plans.filter { !moved.contains($0.jobID) }
        for plan in plans { failover.recent.note(plan, at: now) }
        guard !outgoing.changes.isEmpty else { return }
        failover.accounts.note(
            outgoing.changes, taken: Set(plans.compactMap(\.slot?.fence)), refused: Set(plans.compactMap(\.refused)),
            at: now)
    }

    private func count(_ plans: [JobPlan]) {
        parts.gauge.count { counts in
            for plan in plans {
                counts.takeovers += plan.takeovers
                counts.fencedRecords += plan.fencedRecords
                counts.lateEvidence += plan.lateEvidence
                counts.leases.note(plan)
            }
        }
    }
}
