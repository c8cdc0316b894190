/// What a provider says when it is asked for an account's token. The strings are details for people, without secrets.
package enum TokenAnswer: Sendable {
    case token(AccessToken)
    /// This provider knows nothing of the account. Another one may.
    case notFound
    /// The user took the grant back.
    case grantRevoked(String)
    case scopeMissing(String)
    /// The user must sign in again.
    case reauthRequired(String)
    case accountBlocked(String)
    /// The API refused the token, and there is no other: the one that it refused is as fresh as can be.
    case rejected(String)
    /// Not now: the job waits at no cost, at least `retryAfter`.
    case unavailable(String, retryAfter: Duration?)
    /// Only the operator can mend it.
    case misconfigured(String)
}

extension TokenAnswer {
    /// Where an answer names this many seconds to wait, the wait: a day at most, for no wait overflows a time by it.
    static func wait(seconds: Int64) -> Duration { .seconds(min(max(seconds, 0), longestWait)) }

    private static let longestWait: Int64 = 86_400

    static let stopping = TokenAnswer.unavailable("the daemon is stopping", retryAfter: nil)
}

extension TokenAnswer {
    /// One word for metrics and the log.
    package var word: String {
        switch self {
        case .token: "token"
        case .notFound: "not_found"
        case .grantRevoked: "revoked"
        case .scopeMissing: "scope_missing"
        case .reauthRequired: "reauth_required"
        case .accountBlocked: "account_blocked"
        case .rejected: "rejected"
        case .unavailable: "unavailable"
        case .misconfigured: "misconfigured"
        }
    }

    /// All that `word` can be.
    package static let labels = [
        "token", "not_found", "revoked", "scope_missing", "reauth_required", "account_blocked", "rejected",
        "unavailable", "misconfigured",
    ]
}
