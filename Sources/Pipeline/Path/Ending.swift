import Clocks
import Concurrency
import Jobs
import Ledger
import Photos

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
            // What an operator ends is in doubt after any call, also one that was answered: the album is not asked
            // again.
            let isInDoubt = reason == .cancelled ? run.progress.hasCalled : run.progress.isAmbiguous
            return .failed(
                reason, subject, isAmbiguous: isInDoubt, probed: Self.effect(of: run.album), detail: detail,
                attempts: run.progress.attempts, generation: generation, httpStatus: answer?.httpStatus,
                apiStatus: answer?.apiStatus, completedAt: now, duration: duration)
        }
    }

    /// What the album said of the user, if that is a word.
    private static func effect(of album: AlbumMembership?) -> Effect? {
        switch album {
        case .owned, .joined: .notLeft
        case .notJoined, .inconclusive, nil: nil
        }
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
