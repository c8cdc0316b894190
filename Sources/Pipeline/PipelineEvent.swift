public import Jobs
import Threads

/// What happened, for the log, the metrics and the tests. No event holds a token.
public enum PipelineEvent: Sendable {
    /// A job has its result, confirmed by the broker.
    case ended(JobID?, AccountID?, Outcome, Reason?, attempts: Int, timeToResult: Duration, detail: String?)
    /// A finished job was delivered again and got the same result again.
    case replayed(JobID)
    /// One call of the API, and what it was taken for.
    case called(JobID, AccountID, row: Int, verdict: String, httpStatus: Int?, duration: Duration, detail: String)
    /// A copy waits in the retry queue of `delay` (nil: on `due`).
    case parked(JobID?, delay: Duration?, wait: Duration, cause: String)
    case handedBack(count: Int)
    case letterPublished(Reason)
    case replyCopy(delivered: Bool)
    case holdsChanged([Hold], lifted: [Hold])
    /// An own header on a queue that publishers can write: not believed.
    case forgedHeaders(JobID?)
    /// The message's own headers did not fit beside ours and were left out of its copy.
    case headersDropped(JobID?)
    case setApart(suspect: Int)
    case publishRefused(exchange: String, routingKey: String, detail: String)
    case ledgerRefused(JobID?, detail: String)
    case deliveryAbandoned
    /// The copy of a parked job never came; another delivery takes its place.
    case overdue(JobID)
}
