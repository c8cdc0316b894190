import Clocks
import Concurrency
package import Jobs
package import Ledger

/// What several workers share in memory: rows, results, the day's counts. It decides nothing; `SharedMemoryLedger` is
/// one worker's view of it.
package final class SharedJobs: Sendable {
    struct State {
        var rows: [JobID: LedgerRow] = [:]
        var results: [JobID: [Int: ResultRecord]] = [:]
        var cancellations: [JobID: Cancellation] = [:]
        var days: [String: DayCount] = [:]
        var slots: [AccountID: [AccountSlot]] = [:]
        /// What each worker has spent of a day, as a part of `days`.
        var spent: [String: [Int64: Int]] = [:]
        /// What each worker was allotted of a day.
        var allotted: [String: [Int64: Int]] = [:]
        var workers: Int64 = 0
        /// Those whose process is known to have ended.
        var ended: Set<Int64> = []
        /// Jobs whose results such a one has recorded.
        var leftByEnded: Set<JobID> = []
        /// The worker that recorded the newest result of each other job.
        var owners: [JobID: Int64] = [:]
    }

    let state = Lock(State())

    package init() {}

    package func row(_ id: JobID) -> LedgerRow? { state.withLock { $0.rows[id] } }

    /// Those that were ever taken, by their numbers.
    package func slots(of account: AccountID) -> [AccountSlot] {
        state.withLock { $0.slots[account] ?? [] }.sorted { $0.number < $1.number }
    }

    /// From now on the worker of that ledger is known to have ended, whatever it had begun.
    package func noteEnd(of ledger: SharedMemoryLedger) {
        state.withLock { _ = $0.ended.insert(ledger.worker) }
    }

    /// A worker that has ended had recorded it, and the broker does not have it.
    package func leave(_ result: StoredResult, of id: JobID) {
        state.withLock { state in
            state.results[id] = [0: ResultRecord(result: result, isPublished: false)]
            state.leftByEnded.insert(id)
        }
    }

    func join() -> Int64 {
        state.withLock { state in
            state.workers += 1
            return state.workers
        }
    }
}

extension SharedJobs.State {
    func find(_ arrival: Arrival, at now: Timestamp) -> LookupResult {
        let row = rows[arrival.jobID]
        let lookup = LedgerRules.lookUp(row, arrival, cancellation: cancellations[arrival.jobID], at: now) {
            (generation) throws(Never) in results[arrival.jobID]?[generation]
        }
        guard let lookup else { preconditionFailure("finished without a result") }
        return lookup
    }

    mutating func save(_ change: LedgerChange, of id: JobID, by worker: Int64) {
        rows[id] = change.row
        if let result = change.result {
            owners[id] = worker
            results[id, default: [:]][change.resultGeneration] = ResultRecord(result: result, isPublished: false)
        }
        if change.forgetsCancel { cancellations[id] = nil }
    }

    /// Nil: its publication is another live worker's business. Else whether another that has ended has left it.
    func isLeft(_ id: JobID, to worker: Int64) -> Bool? {
        if leftByEnded.contains(id) { return true }
        guard let owner = owners[id] else { return nil }
        return owner == worker ? false : ended.contains(owner) ? true : nil
    }

    /// Nil: the claim needs no slot.
    mutating func takeSlot(
        for claim: Claim, fence: Int64, callUntil: Timestamp, at now: Timestamp
    ) -> AccountSlotRules.Ruling? {
        guard claim.kind == .call, let limits = claim.limits else { return nil }
        let ruling = AccountSlotRules.take(
            slots[claim.arrival.account] ?? [], for: claim.arrival.jobID, fence: fence, callUntil: callUntil,
            limits: limits, at: now)
        if case .taken(let slot, _) = ruling { save(slot, of: claim.arrival.account) }
        return ruling
    }

    mutating func save(_ slot: AccountSlot?, of account: AccountID) {
        guard let slot else { return }
        slots[account, default: []].removeAll { $0.number == slot.number }
        slots[account, default: []].append(slot)
    }

    /// Whether the worker has a call of the day left, if the claim needs one.
    func isAllotted(_ claim: Claim, to worker: Int64) -> Bool {
        guard let member = claim.allottedTo else { return true }
        return member == worker
            && (spent[claim.day]?[worker] ?? 0) < (allotted[claim.day]?[worker] ?? 0)
    }

    mutating func count(_ number: Int, _ kind: Claim.Kind, on day: String, by worker: Int64) {
        spent[day, default: [:]][worker, default: 0] += number
        var count = days[day] ?? DayCount(calls: 0, albumQueries: 0)
        switch kind {
        case .call: count.calls += number
        case .albumQuery: count.albumQueries += number
        }
        days[day] = count
    }
}
