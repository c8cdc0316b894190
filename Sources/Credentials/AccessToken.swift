public import Secrets
public import Threads

/// What stands behind `Authorization: Bearer`.
public struct AccessToken: Sendable {
    public let secret: Secret
    /// Nil: unknown.
    public let expiresAt: Timestamp?
    /// Nil: unknown.
    public let scopes: [String]?
    /// It was obtained for whoever holds it, which proves that tokens can be had; false of one that was remembered.
    public var isFresh: Bool

    public init(secret: Secret, expiresAt: Timestamp? = nil, scopes: [String]? = nil, isFresh: Bool = true) {
        self.secret = secret
        self.expiresAt = expiresAt
        self.scopes = scopes
        self.isFresh = isFresh
    }

    /// Whether it is the token that was refused, known by its digest. Hashes only where one was.
    func isThat(_ rejected: SHA256Digest?) -> Bool {
        rejected.map { secret.sha256 == $0 } ?? false
    }
}
