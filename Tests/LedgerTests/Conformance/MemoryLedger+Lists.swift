import Clocks
import Concurrency
import Jobs

@testable import Ledger

/// What the model knows of all jobs, and what it is told that the broker has.
extension MemoryLedger {
    func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        state.withLock { state in
            guard var entry = state.jobs[jobID] else { return }
            switch part {
            case .result: entry.unpublished.remove(generation)
            case .deadLetter:
                if generation == entry.generation, entry.open == nil { entry.hasUnpublishedDeadLetter = false }
            case .copy(let number):
                if generation == entry.generation, entry.open?.copy == number, entry.open?.copyIsPublished == false {
                    entry.open?.copyIsPublished = true
                    entry.changes += 1
                }
            }
            state.jobs[jobID] = entry
        }
    }

    func note(_ event: JobEvent) {}

    func count(of day: String) async throws(LedgerError) -> DayCount {
        state.withLock { $0.days[day] ?? DayCount(calls: 0, albumQueries: 0) }
    }

    func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult] {
        state.withLock { state in
            let insertUnpublished = state.jobs.filter { !$0.value.unpublished.isEmpty }.sorted {
                $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
            }
            return insertUnpublished.filter { (last?.utf8 ?? []).lexicographicallyPrecedes($0.key.utf8) }.prefix(limit)
                .compactMap { id, entry in
                    guard let generation = entry.unpublished.min(), let result = entry.results[generation] else {
                        return nil
                    }
                    return UnpublishedResult(jobID: id, generation: generation, result: result)
                }
        }
    }

    func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        state.withLock { state in
            let late = state.jobs.compactMap { id, entry -> (Timestamp, OverdueJob)? in
                guard var open = entry.open, let due = open.due, due < time, open.copyIsPublished else { return nil }
                open.isAmbiguous = open.isAmbiguous || entry.isCalling
                return (due, OverdueJob(jobID: id, account: entry.account, open: open, revision: entry.changes))
            }
            return late.sorted { $0.0 < $1.0 }.prefix(limit).map(\.1)
        }
    }

    func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        state.withLock { state in
            guard var entry = state.jobs[job.jobID], var open = entry.open, entry.changes == job.revision else {
                return false
            }
            open.isAmbiguous = open.isAmbiguous || entry.isCalling
            entry.end(open, result, needsDeadLetter: false)
            state.jobs[job.jobID] = entry
            return true
        }
    }

    func knowsSuccess() async throws(LedgerError) -> Bool {
        state.withLock { state in
            state.jobs.values.contains { job in job.results.values.contains { $0.outcome != .failed } }
        }
    }

    func statistics() async throws(LedgerError) -> LedgerStatistics {
        state.withLock { state in
            let open = state.jobs.values.filter { $0.open != nil }
            return LedgerStatistics(
                entries: state.jobs.count, open: open.count,
                ambiguous: open.filter { $0.isCalling || $0.open?.isAmbiguous == true }.count,
                calling: open.filter { $0.isCalling && $0.open?.isAmbiguous != true }.count,
                unpublished: state.jobs.values.reduce(0) { $0 + $1.unpublished.count }, overdue: 0, bytes: 0,
                diskFreeBytes: 0,
                unpublishedDeadLetters: state.jobs.values.filter { $0.open == nil && $0.hasUnpublishedDeadLetter }.count
            )
        }
    }
}
