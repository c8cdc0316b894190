package import Jobs

/// What the worker does next.
package enum VerdictAction: Sendable, Equatable {
    /// The user has left: outcome `left`.
    case left
    /// The user was no longer in the album: outcome `already_left`.
    case alreadyLeft
    /// The job ends with this reason.
    case dead(Reason)
    /// The job ends with this reason if other jobs succeed. If so many accounts, or jobs of several accounts, are
    /// refused and none succeeds, the refusal is systemic, and the worker holds for this cause.
    case deadUnlessSystemic(Reason, HoldCause, accounts: Int)
    /// A fresh token was refused as well: later, three times, then dead as above with this reason. Costs no attempt.
    case tokenRefused(Reason)
    /// Nothing was sent: again after the network's backoff. Costs no attempt.
    case retryNetwork
    /// Nothing was sent in the time for which the claim is good: it is given back, and asked for again. Costs no attempt,
    /// and says nothing of the API.
    case withdraw
    /// Again later, no sooner than this. Costs an attempt.
    case retry(atLeast: Duration)
    /// As `retry`, and the album is asked before the last attempt: the operation may have come through.
    case retryQueryingAtLast(atLeast: Duration)
    /// Only the album can tell: judge its answer with `VerdictTable.verdict(forAlbumQuery:after:context:)`.
    case queryAlbum
    /// The album was asked and has nothing against a call.
    case call
    /// Again at once with a token that is read or refreshed anew.
    case retryOnFreshToken
    /// The worker stops consuming. Costs the job nothing.
    case hold(HoldCause)
    /// The worker stops consuming for `rate_limited` and halves its rate. Costs the job nothing.
    case throttle
    /// The day's quota is spent, whatever the worker has counted: it stops consuming until the reset.
    case endDay
    /// The account's minute is spent: it waits, the others do not. Costs the job nothing.
    case delayAccount
    /// Another write of the account is under way: it waits longer. Costs the job nothing.
    case delayAccountLonger
    /// An answer that cannot be believed: again later like `retry`, and counted as malformed.
    case malformedAnswer

    /// Whether the answer was about a limit of the API's.
    var isOfLimit: Bool {
        switch self {
        case .throttle, .endDay, .delayAccount, .delayAccountLonger: true
        case .left, .alreadyLeft, .dead, .deadUnlessSystemic, .tokenRefused, .retryNetwork, .withdraw, .retry,
            .retryQueryingAtLast, .queryAlbum, .call, .retryOnFreshToken, .hold, .malformedAnswer:
            false
        }
    }
}
