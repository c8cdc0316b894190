package import Clocks

/// What an operator finds who ends a job for good.
package enum CancelAnswer: Equatable, Sendable {
    /// No open job of that id is known here: whenever a delivery of it comes, it ends without a call.
    case remembered
    /// The job is open. The cancel is remembered too, so that the job ends even without `finishCancelled`.
    case open(CancelledJob)
    /// The job has its result.
    case ended(StoredResult)
    /// A call for it may be on its way until then, and its own end comes first. Nothing was written.
    case leased(until: Timestamp)
}

/// A remembered cancel: the job ends without another call when a delivery of it comes.
package enum Cancellation: Sendable {
    /// Unless a call has begun: a publisher's word, or an operator's.
    case beforeCall
    /// Whatever has been called: an operator's last word.
    case always
}
