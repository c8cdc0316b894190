public import Secrets
public import Threads

/// What the verdict depends on besides the answer.
public struct VerdictContext: Sendable {
    /// An earlier call of this job may have reached the API unanswered.
    public var isAmbiguous: Bool
    /// Answers to this job before this one that could not be believed.
    public var malformedAnswers: Int
    /// The access token was already read or refreshed anew for this delivery.
    public var tokenWasRefreshed: Bool
    /// The token's scopes are known, and the one that the method needs is not among them.
    public var tokenLacksScope: Bool
    /// The setting `worker.assume_left_after_ambiguous`.
    public var assumesLeftAfterAmbiguous: Bool
    /// For a Retry-After that is a date.
    public var now: Timestamp
    /// Which album was asked about. The API may echo it, and the detail must not.
    public var shareToken: Secret
    /// The same of the caller.
    public var bearer: Secret
    /// Whose call it was. The API may name it, and the detail goes where accounts must not be read.
    public var account: [UInt8]

    public init(
        isAmbiguous: Bool, malformedAnswers: Int = 0, tokenWasRefreshed: Bool = false,
        tokenLacksScope: Bool = false, assumesLeftAfterAmbiguous: Bool = false, now: Timestamp, shareToken: Secret,
        bearer: Secret, account: [UInt8] = []
    ) {
        self.isAmbiguous = isAmbiguous
        self.malformedAnswers = malformedAnswers
        self.tokenWasRefreshed = tokenWasRefreshed
        self.tokenLacksScope = tokenLacksScope
        self.assumesLeftAfterAmbiguous = assumesLeftAfterAmbiguous
        self.now = now
        self.shareToken = shareToken
        self.bearer = bearer
        self.account = account
    }
}
