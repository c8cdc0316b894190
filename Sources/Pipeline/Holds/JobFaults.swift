import Clocks
import Jobs

/// Which jobs fail for themselves: while they failed, others succeeded.
///
/// Such a job is no witness: it opens no breaker, spends its attempts and tests no hold, so that it comes to an end.
struct JobFaults: Sendable {
    /// One failure beside a success may be an accident.
    static let failures = 2
    /// Jobs that are remembered: more than any number of failing ones that still counts as bad jobs among good ones.
    private static let most = 10_000

    private struct Record {
        var last: MonotonicTime
        /// Failures before the last that a success came after.
        var contradicted = 0
    }

    private var records = BoundedTable<JobID, Record>(most: most)
    private var success: MonotonicTime?

    mutating func failed(_ job: JobID, at now: MonotonicTime) {
        records[job] = Record(last: now, contradicted: contradicted(job))
    }

    mutating func succeeded(_ job: JobID, at now: MonotonicTime) {
        records[job] = nil
        success = now
    }

    /// Whether the job failed twice, and a success of another job came after each of them.
    func isOwn(_ job: JobID) -> Bool { contradicted(job) >= Self.failures }

    private func contradicted(_ job: JobID) -> Int {
        guard let record = records[job] else { return 0 }
        return record.contradicted + (success.map { $0 > record.last } == true ? 1 : 0)
    }
}
