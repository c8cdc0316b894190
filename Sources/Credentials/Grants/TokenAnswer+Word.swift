extension TokenAnswer {
    /// One word for metrics and the log.
    public var word: String {
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
    public static let words = [
        "token", "not_found", "revoked", "scope_missing", "reauth_required", "account_blocked", "rejected",
        "unavailable", "misconfigured",
    ]
}
