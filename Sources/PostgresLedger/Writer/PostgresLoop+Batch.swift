import Clocks
import Jobs
import Ledger

/// One batch: read, decide, write, answer.
extension PostgresLoop {
    mutating func perform(_ portion: PostgresBacklog.Portion) throws(PostgresError) {
        let asked = parts.clock.now()
        let outgoing = try outgoing(portion, asked: asked)
        let rows: [PostgresRows]
        do throws(PostgresError) {
            rows = outgoing.batch.executions.isEmpty ? [] : try send(outgoing.batch)
        } catch {
            if error.kind == .outcomeUnknown { backlog.noteDoubt(outgoing.plans) }
            throw error
        }
        do throws(PostgresError) {
            try answer(outgoing, rows, beginsBefore: asked + parts.durations.sendWindow)
        } catch {
            // It is committed, and nobody has been answered.
            backlog.noteDoubt(outgoing.plans)
            throw error
        }
        backlog.putBack(outgoing.left, at: parts.clock.now())
        parts.gauge.committed(
            operations: outgoing.sent.requests.count + outgoing.sent.queries.count, took: parts.clock.now() - asked)
    }

    // MARK: Read and decide

    private mutating func outgoing(
        _ portion: PostgresBacklog.Portion, asked: MonotonicTime
    ) throws(PostgresError) -> Outgoing {
        let requests = ofThisEpoch(portion.requests)
        guard !requests.isEmpty else {
            var outgoing = Outgoing(most: mostBytes, epoch: membership?.epoch)
            outgoing.finish([], portion)
            return outgoing
        }
        var byJob: [JobID: [PendingRequest]] = [:]
        for request in requests { byJob[request.request.jobID, default: []].append(request) }
        // In one order everywhere, so that two batches cannot wait for each other.
        let ids = byJob.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let doubted = backlog.tries
        var batch = PostgresBatch()
        JobLoading.add(
            ids,
            results: ids.filter { id in
                byJob[id]?.contains { $0.request.needsResults } ?? false
                    || doubted[id]?.contains { !$0.newResults.isEmpty } ?? false
            },
            redrives: ids.filter { id in byJob[id]?.contains { $0.request.needsRedrives } ?? false },
            accounts: Array(Set(requests.compactMap(\.request.account))),
            withdrawn: requests.filter(\.request.isWithdrawal).map(\.request.jobID),
            days: Array(Set(requests.compactMap(\.request.allottedDay))), epoch: membership?.epoch, to: &batch)
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
        let loaded: LoadedJobs
        do throws(PostgresDecodingError) {
            loaded = try JobLoading.decode(answer[...])
        } catch {
            throw fault(error)
        }
        learnTime(loaded.now, asked: asked, answered: answered)
        if try rejoinIfNeeded(loaded.memberState) { return try self.outgoing(portion, asked: asked) }
        var transaction = PostgresTransaction(
            loaded: loaded, durations: parts.durations,
            frozenUntil: frozenUntil.flatMap { $0 > answered ? loaded.now + ($0 - answered) : nil },
            epoch: membership?.epoch)
        var outgoing = Outgoing(most: mostBytes, epoch: membership?.epoch)
        for id in ids {
            let own = byJob[id] ?? []
            // What does not fit has decided nothing: neither of its job nor of its account.
            var next = transaction
            let plan = next.plan(own, of: id, tries: doubted[id] ?? [])
            if outgoing.add(plan, own) { transaction = next }
        }
        outgoing.finish(transaction.accounts.changes, portion)
        return outgoing
    }

    /// A claim that has waited while the process joined anew is made by the member that it is now, with a fence of that:
    /// whoever is asked about the owner of the row is not told of a member that is dead. What was allotted to the former is
    /// not taken along, see `Claim.allottedTo`. What a batch in doubt has made of the claim stays what it was.
    private mutating func ofThisEpoch(_ requests: [PendingRequest]) -> [PendingRequest] {
        guard let epoch = membership?.epoch else { return requests }
        var requests = requests
        for (index, request) in requests.enumerated() {
            guard case .claim = request.request, request.fence >> 32 != Int64(epoch) else { continue }
            requests[index].fence = membership?.nextFence() ?? 0
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
        backlog.putBack(again, at: parts.clock.now())
        let replies = Dictionary(outgoing.sent.requests.map { ($0.number, $0.reply) }) { first, _ in first }
        for plan in outgoing.plans where !moved.contains(plan.jobID) {
            backlog.settle(plan.jobID)
            for (number, answer) in plan.answers { replies[number]?(answer, beginsBefore) }
            for arrival in plan.behind { parts.onBehind(arrival) }
        }
        count(outgoing.plans.filter { !moved.contains($0.jobID) })
        for (query, answer) in zip(outgoing.sent.queries, answers) {
            do throws(PostgresDecodingError) {
                try query.decode(answer[...])()
            } catch {
                query.refuse(.unavailable(fault(error).description))
            }
        }
    }

    private func count(_ plans: [JobPlan]) {
        let takeovers = plans.reduce(0) { $0 + $1.takeovers }
        let fenced = plans.reduce(0) { $0 + $1.fencedRecords }
        guard takeovers + fenced > 0 else { return }
        parts.gauge.count {
            $0.takeovers += takeovers
            $0.fencedRecords += fenced
        }
    }
}
