import Clocks
import Jobs
import Ledger

/// One batch: read, decide, write, answer.
extension PostgresLoop {
    mutating func perform(_ portion: PostgresBacklog.Portion) throws(PostgresError) {
        let asked = parts.clock.now()
        let plans = try plan(portion.requests, asked: asked)
        let outgoing = write(plans, portion)
        let rows: [PostgresRows]
        do throws(PostgresError) {
            rows = outgoing.batch.executions.isEmpty ? [] : try send(outgoing.batch)
        } catch {
            if error.kind == .outcomeUnknown { backlog.noteDoubt(outgoing.plans) }
            throw error
        }
        backlog.putBack(outgoing.left, at: parts.clock.now())
        try answer(outgoing, rows[...], beginsBefore: asked + parts.durations.sendWindow)
        parts.gauge.committed(
            operations: outgoing.sent.requests.count + outgoing.sent.queries.count, took: parts.clock.now() - asked)
    }

    // MARK: Read and decide

    private mutating func plan(
        _ requests: [PendingRequest], asked: MonotonicTime
    ) throws(PostgresError) -> [JobPlan] {
        guard !requests.isEmpty else { return [] }
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
            epoch: membership?.epoch, to: &batch)
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
        let transaction = PostgresTransaction(
            loaded: loaded, durations: parts.durations,
            frozenUntil: frozenUntil.flatMap { $0 > answered ? loaded.now + ($0 - answered) : nil },
            epoch: membership?.epoch)
        return ids.map { transaction.plan(byJob[$0] ?? [], of: $0, tries: doubted[$0] ?? []) }
    }

    // MARK: Write

    /// A batch, and what of a portion is in it.
    private struct Outgoing {
        var batch = PostgresBatch()
        var plans: [JobPlan] = []
        var sent = PostgresBacklog.Portion()
        var left = PostgresBacklog.Portion()
    }

    /// As much as the kernel takes at once. What comes first goes in whatever its size: nothing is smaller than that.
    private func write(_ plans: [JobPlan], _ portion: PostgresBacklog.Portion) -> Outgoing {
        let (epoch, most) = (membership?.epoch, mostBytes)
        var outgoing = Outgoing()
        var isFull = false
        func add(_ extend: (inout PostgresBatch) -> Void) -> Bool {
            guard !isFull else { return false }
            var grown = outgoing.batch
            extend(&grown)
            isFull = grown.byteCount > most && !outgoing.batch.executions.isEmpty
            if !isFull { outgoing.batch = grown }
            return !isFull
        }
        for plan in plans {
            let fits = add { batch in
                if plan.changesRow { JobSaving.add(plan, epoch: epoch, to: &batch) }
                if !plan.marked.isEmpty { JobSaving.addMarks(plan, to: &batch) }
            }
            if fits { outgoing.plans.append(plan) }
        }
        let planned = Set(outgoing.plans.map(\.jobID))
        for request in portion.requests {
            if planned.contains(request.request.jobID) {
                outgoing.sent.requests.append(request)
            } else {
                outgoing.left.requests.append(request)
            }
        }
        for line in portion.lines {
            if add({ line.add(to: &$0) }) { outgoing.sent.lines.append(line) } else { outgoing.left.lines.append(line) }
        }
        // They are to see all that came before.
        for query in portion.queries {
            if add({ query.add(to: &$0) }) {
                outgoing.sent.queries.append(query)
            } else {
                outgoing.left.queries.append(query)
            }
        }
        return outgoing
    }

    // MARK: Answer

    private mutating func answer(
        _ outgoing: Outgoing, _ rows: ArraySlice<PostgresRows>, beginsBefore: MonotonicTime
    ) throws(PostgresError) {
        var rows = rows
        var moved: Set<JobID> = []
        do throws(PostgresDecodingError) {
            for plan in outgoing.plans {
                if plan.changesRow, let answer = rows.popFirst(), try !JobSaving.isWritten(answer) {
                    moved.insert(plan.jobID)
                }
                if !plan.marked.isEmpty { _ = rows.popFirst() }
            }
        } catch {
            throw fault(error)
        }
        rows = rows.dropFirst(outgoing.sent.lines.reduce(0) { $0 + $1.steps.count })
        var again = PostgresBacklog.Portion()
        again.requests = outgoing.sent.requests.filter { moved.contains($0.request.jobID) }
        backlog.putBack(again, at: parts.clock.now())
        let replies = Dictionary(outgoing.sent.requests.map { ($0.number, $0.reply) }) { first, _ in first }
        for plan in outgoing.plans where !moved.contains(plan.jobID) {
            backlog.settle(plan.jobID)
            for (number, answer) in plan.answers { replies[number]?(answer, beginsBefore) }
            for arrival in plan.behind { parts.onBehind(arrival) }
        }
        count(outgoing.plans.filter { !moved.contains($0.jobID) }, moved: moved.count)
        for query in outgoing.sent.queries {
            let own = rows.prefix(query.steps.count)
            rows = rows.dropFirst(query.steps.count)
            do throws(PostgresDecodingError) {
                try query.decode(own)()
            } catch {
                query.refuse(.unavailable(fault(error).description))
            }
        }
    }

    private func count(_ plans: [JobPlan], moved: Int) {
        let takeovers = plans.reduce(0) { $0 + $1.takeovers }
        let fenced = plans.reduce(0) { $0 + $1.fencedRecords }
        guard takeovers + fenced + moved > 0 else { return }
        parts.gauge.count {
            $0.takeovers += takeovers
            $0.fencedRecords += fenced
            $0.movedJobs += moved
        }
    }
}
