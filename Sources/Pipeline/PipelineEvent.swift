package import Jobs
import Photos

/// What happened, for the log, the metrics and the tests. No event holds a token.
package enum PipelineEvent: Sendable {
    case ended(JobEnded)
    /// The delivery that ended a job, or was rejected, had been in flight so long.
    case settled(after: Duration)
    /// A finished job was delivered again and got the same result again.
    case replayed(JobID)
    /// One call of the API, and what it was taken for.
    case called(Call)
    case parked(JobParked)
    case steppedAside(JobDeferred)
    case released(count: Int)
    case cancelled(JobCancelled)
    case deadLetterPublished(Reason)
    case replyCopy(delivered: Bool)
    case holdsChanged(HoldsChanged)
    /// The API is the reason that the account waits alone, while the others go on.
    case accountWaits(AccountHold)
    case accountGoesOn(AccountResumed)
    /// An own header on a queue that publishers can write: not believed.
    case forgedHeaders(JobID?)
    /// The message's own headers did not fit beside ours and were left out of its copy.
    case headersDropped(JobID?)
    case quarantine(suspect: Int)
    case publishRefused(PublishRefused)
    case ledgerRefused(LedgerRefused)
    /// Another worker has claimed the job meanwhile: what was heard of it here is not written.
    case fenced(Fenced)
    /// The copy of a parked job never came; another delivery takes its place.
    case overdue(JobID)
}
