package import Clocks
package import Secrets

/// What the verdict depends on besides the answer.
package struct VerdictContext: Sendable {
    /// An earlier call of this job may have reached the API unanswered.
    package var isAmbiguous: Bool
    /// Answers to this job before this one that could not be believed.
    package var malformedAnswers: Int
    /// The access token was already read or refreshed anew for this delivery.
    package var tokenWasRefreshed: Bool
    /// The token's scopes are known, and the one that the method needs is not among them.
    package var tokenLacksScope: Bool
    /// The setting `worker.assume_left_after_ambiguous`.
    package var assumesLeftAfterAmbiguous: Bool
    /// The time of the answer, from which a Retry-After date is counted.
    package var now: Timestamp
    /// Which album was asked about. The API may echo it, and the detail must not.
    package var shareToken: Secret
    /// The access token of the call. The API may echo it, and the detail must not hold it.
    package var bearer: Secret
    /// Whose call it was. The API may name it, and the detail goes where accounts must not be read.
    package var account: [UInt8]

    package init(
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
