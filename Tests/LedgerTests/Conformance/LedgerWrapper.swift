import Clocks
import Jobs
import Ledger

/// A ledger around another one, which does what its conformer does not do otherwise.
protocol LedgerWrapper: JobLedger {
    associatedtype Inner: JobLedger

    var inner: Inner { get }
}

extension LedgerWrapper {
    func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult {
        try await inner.lookUp(arrival, at: now)
    }

    func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool {
        try await inner.cancel(jobID, at: now)
    }

    func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer {
        try await inner.cancelForGood(jobID, newest: generation, at: now)
    }

    func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool {
        try await inner.finishCancelled(job, result: result)
    }

    func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        inner.mark(part, of: jobID, generation: generation)
    }

    func note(_ event: JobEvent) { inner.note(event) }

    func count(of day: String) async throws(LedgerError) -> DayCount { try await inner.count(of: day) }

    func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult] {
        try await inner.unpublishedResults(after: last, limit: limit)
    }

    func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        try await inner.overdue(before: time, limit: limit)
    }

    func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        try await inner.finishLost(job, result: result)
    }

    func knowsSuccess() async throws(LedgerError) -> Bool { try await inner.knowsSuccess() }

    func commitTrial() async throws(LedgerError) { try await inner.commitTrial() }

    func statistics() async throws(LedgerError) -> LedgerStatistics { try await inner.statistics() }
}
