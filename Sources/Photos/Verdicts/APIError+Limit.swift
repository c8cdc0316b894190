/// A refusal for a limit: whether it is one, and which.
extension APIError {
    /// What a limit counts over, as far as the answer names it.
    enum Limit: Sendable {
        case day
        case user
        case concurrency
    }

    /// Whether an answer with 403 is about a limit. In the older error model the domain says so of whatever reason,
    /// also of one that is not known here; ErrorInfo and the status say it by a word of their own.
    var isOfLimit: Bool {
        status == .resourceExhausted || reason == Self.rateLimitExceeded
            || older.contains { $0.domain == "usageLimits" || $0.reason.map(Self.olderReasons.contains) == true }
    }

    /// The first that is named: in `quota_limit`, in the older model's reasons, and, where there is no ErrorInfo, in
    /// the message.
    var limit: Limit? {
        if let quotaLimit { return Self.limit(namedIn: quotaLimit) }
        if let named = older.lazy.compactMap(\.reason).compactMap(Self.limit(namedIn:)).first { return named }
        if ErrorMessageText.phrases(["concurrent write request"]).occur(in: self) { return .concurrency }
        if ErrorMessageText.phrases(["per user"]).occur(in: self) { return .user }
        return ErrorMessageText.phrases(["per day"]).occur(in: self) ? .day : nil
    }

    private static let rateLimitExceeded = "RATE_LIMIT_EXCEEDED"

    /// Known also without their domain.
    private static let olderReasons: Set<String> = ["dailyLimitExceeded", "rateLimitExceeded", "userRateLimitExceeded"]

    /// By the words of which such names are made: `ApiCallsPerProjectPerDay`, `WritesPerMinutePerUser`,
    /// `dailyLimitExceededUnreg`, `userRateLimitExceeded`. A day of one user's ends nobody else's.
    private static func limit(namedIn name: String) -> Limit? {
        let name = name.lowercased()
        if name.contains("concurrent") { return .concurrency }
        if name.contains("user") { return .user }
        return name.contains("perday") || name.contains("daily") ? .day : nil
    }
}
