import Jobs
import Ledger
import Photos
import Threads

/// How a job ends.
enum Ending: Sendable {
    case left
    /// The user was no longer in the album.
    case alreadyLeft
    /// `isAnswer`: the API's answer says so, and the result tells how the last call was answered.
    case failed(Reason, detail: String, isAnswer: Bool = false)

    /// The result of the run's generation, as it is published and kept.
    func result(of run: JobRun, at now: Timestamp) -> JobResult {
        let subject = ResultSubject(run.job)
        let duration = now - run.progress.firstSeen
        let generation = run.arrival.generation
        switch self {
        case .left, .alreadyLeft:
            let isAlready = if case .alreadyLeft = self { true } else { false }
            return .succeeded(
                subject, already: isAlready, attempts: run.progress.attempts, generation: generation,
                httpStatus: run.called?.httpStatus, apiStatus: run.called?.apiStatus, completedAt: now,
                duration: duration)
        case .failed(let reason, let detail, let isAnswer):
            // What ended the job may be an answer to the question; a result tells of calls alone.
            let answer = isAnswer ? run.called : nil
            // What an operator ends is in doubt after any call, also one that was answered: nobody asks it again.
            let isInDoubt = reason == .cancelled ? run.progress.hasCalled : run.progress.isAmbiguous
            return .failed(
                reason, subject, isAmbiguous: isInDoubt, probed: Self.effect(of: run.album), detail: detail,
                attempts: run.progress.attempts, generation: generation, httpStatus: answer?.httpStatus,
                apiStatus: answer?.apiStatus, completedAt: now, duration: duration)
        }
    }

    /// What the album said of the user, if that is a word.
    private static func effect(of album: AlbumStanding?) -> Effect? {
        switch album {
        case .owned, .joined: .notLeft
        case .notJoined, .cannotTell, nil: nil
        }
    }
}

/// An older generation of a job that was open when a newer one came. The commit that is the first about the newer one
/// ends it, with a result of its own.
final class ClosedGeneration: Sendable {
    private static let detail = "a newer generation of the job was submitted"

    let arrival: Arrival
    let result: StoredResult
    let ended: PipelineEvent.JobEnded
    private let isAmbiguous: Bool

    init(_ open: OpenJob, closedBy run: JobRun, at now: Timestamp) {
        var item = run.item
        item.stamp.generation = open.generation
        var older = JobRun(item, run.job, .work, now: now)
        older.progress = Progress(older.arrival, open)
        let result = Ending.failed(.poison, detail: Self.detail).result(of: older, at: now)
        arrival = older.arrival
        isAmbiguous = older.progress.isAmbiguous
        self.result = StoredResult(result, of: run.jobID, trace: run.trace, at: now)
        ended = PipelineEvent.JobEnded(
            jobID: run.jobID, account: run.job.account, outcome: result.outcome, reason: result.reason,
            attempts: result.attempts, timeToResult: now - older.progress.firstSeen, detail: Self.detail,
            traceID: run.trace.traceID)
    }

    /// For a newer generation that ends or is parked without a claim.
    var record: Record {
        .finished(arrival, result, attempts: ended.attempts, isAmbiguous: isAmbiguous, needsLetter: false)
    }
}

extension StoredResult {
    /// The result of a job's generation with what its message carries of the job's own.
    init(_ result: JobResult, of jobID: JobID, trace: TraceContext, at now: Timestamp) {
        self.init(
            result, of: jobID, correlationID: trace.correlationID, traceparent: trace.traceparent,
            tracestate: trace.tracestate, at: now)
    }
}
