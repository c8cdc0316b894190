import Clocks
import Concurrency
import Jobs
import Ledger
import Messages

/// An older generation of a job that was open when a newer one came. The commit that is the first about the newer one
/// ends it, with a result of its own.
final class ClosedGeneration: Sendable {
    private static let detail = "a newer generation of the job was submitted"

    let arrival: Arrival
    let result: StoredResult
    let ended: PipelineEvent.JobEnded
    private let isAmbiguous: Bool
    /// See `Outgoing.resultSpan`.
    let span: OpenSpan?

    init(_ open: OpenJob, closedBy run: JobRun, at now: Timestamp) {
        var item = run.item
        item.jobHeaders.generation = open.generation
        var older = JobRun(item, run.job, .work, now: now)
        older.progress = Progress(older.arrival, open)
        // No reason of its own: for whoever reads the result, the daemon gave that generation up.
        let result = JobResult(.failed(.poison, detail: Self.detail), of: older.resultSubject, at: now)
        arrival = older.arrival
        isAmbiguous = older.progress.isAmbiguous
        span = run.item.trace?.makeSpan()
        self.result = StoredResult(result, of: run.jobID, trace: run.trace(in: span), at: now)
        ended = PipelineEvent.JobEnded(
            jobID: run.jobID, account: run.job.account, outcome: result.outcome, reason: result.reason,
            attempts: result.attempts, timeToResult: now - older.progress.firstSeen, detail: Self.detail,
            traceID: run.trace.traceID)
    }

    /// For a newer generation that ends or is parked without a claim.
    var record: Record {
        .finished(arrival, result, attempts: ended.attempts, isAmbiguous: isAmbiguous, needsDeadLetter: false)
    }
}
