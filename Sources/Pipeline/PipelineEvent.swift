public import Jobs
import Threads

/// What happened, for the log, the metrics and the tests. No event holds a token.
public enum PipelineEvent: Sendable {
    /// A job has its result, confirmed by the broker. `traceID`: see `TraceContext.traceID`.
    case ended(
        JobID?, AccountID?, Outcome, Reason?, attempts: Int, timeToResult: Duration, detail: String?, traceID: String?)
    /// The delivery that ended a job, or was rejected, had been in hand so long.
    case settled(after: Duration)
    /// A finished job was delivered again and got the same result again.
    case replayed(JobID)
    /// One call of the API, and what it was taken for.
    case called(Call)
    /// A copy waits in the retry queue of `delay` (nil: on `due`).
    case parked(JobID?, generation: Int, delay: Duration?, wait: Duration, cause: String)
    /// The copy that there is waits in the retry queue of `delay` (nil: on `due`); `moves` times in a row by now.
    case steppedAside(JobID?, generation: Int, delay: Duration?, wait: Duration, StepAside, moves: Int)
    case handedBack(count: Int)
    /// Somebody wants the job to end without a call; `inTime` if none had begun.
    case cancelled(JobID, inTime: Bool)
    case letterPublished(Reason)
    case replyCopy(delivered: Bool)
    case holdsChanged([Hold], lifted: [Hold])
    /// The API is the reason that the account waits alone, while the others go on.
    case accountWaits(AccountHold)
    /// What the account waited for is over, or may be: another one is called.
    case accountGoesOn(AccountID, cause: String)
    /// An own header on a queue that publishers can write: not believed.
    case forgedHeaders(JobID?)
    /// The message's own headers did not fit beside ours and were left out of its copy.
    case headersDropped(JobID?)
    case setApart(suspect: Int)
    case publishRefused(exchange: String, routingKey: String, detail: String)
    case ledgerRefused(JobID?, detail: String)
    /// The copy of a parked job never came; another delivery takes its place.
    case overdue(JobID)

    public struct Call: Sendable {
        public enum Request: String, Sendable {
            case leave
            /// The probe.
            case album
        }

        public var request: Request
        public var jobID: JobID
        public var account: AccountID
        public var generation: Int
        /// Of the table of verdicts.
        public var row: Int
        public var verdict: String
        public var httpStatus: Int?
        public var duration: Duration
        public var detail: String
    }
}
