public import Jobs

/// What the worker does next.
public enum VerdictAction: Sendable, Equatable {
    /// The user has left: outcome `left`.
    case left
    /// The user was no longer in the album: outcome `already_left`.
    case alreadyLeft
    /// The job ends with this reason.
    case dead(Reason)
    /// The job ends with this reason, unless jobs of other accounts are refused alike: then the fault is the world's,
    /// and the worker holds for this cause.
    case deadUnlessWorldsFault(Reason, HoldCause)
    /// Nothing was sent: again after the network's backoff. Costs no attempt.
    case retryNetwork
    /// Again later, no sooner than this. Costs an attempt.
    case retry(atLeast: Duration)
    /// Again at once with a token that is read or refreshed anew.
    case retryOnFreshToken
    /// The worker stops consuming. Costs the job nothing.
    case hold(HoldCause)
    /// The worker stops consuming for `rate_limited` and halves its rate. Costs the job nothing.
    case throttle
    /// An answer that cannot be believed: again later like `retry`, and counted as malformed.
    case malformedAnswer
}
