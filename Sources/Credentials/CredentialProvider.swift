public import Jobs
public import Secrets
public import Threads

/// Finds the access token of the user that a call acts for. One conformance suite holds for every provider.
public protocol CredentialProvider: Sendable {
    /// The account's token. `rejected`: the hash of one that the API has just refused, so that it is not given again.
    func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer
}

public enum TokenAnswer: Sendable {
    case token(AccessToken)
    case notFound
    case grantRevoked(String)
    case scopeMissing(String)
    case reauthRequired(String)
    case accountBlocked(String)
    /// Nobody can say now; ask again.
    case unavailable(String, retryAfter: Duration?)
    /// An operator has to mend the settings.
    case misconfigured(String)
}

public struct AccessToken: Sendable {
    public var secret: Secret
    /// Nil if unknown.
    public var expiresAt: Timestamp?
    /// Nil if unknown.
    public var scopes: [String]?

    public init(secret: Secret, expiresAt: Timestamp? = nil, scopes: [String]? = nil) {
        self.secret = secret
        self.expiresAt = expiresAt
        self.scopes = scopes
    }
}
