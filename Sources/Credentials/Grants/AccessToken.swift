public import Secrets
public import Threads

/// What stands behind `Authorization: Bearer`.
public struct AccessToken: Sendable {
    public let secret: Secret
    /// Nil: unknown.
    public let expiresAt: Timestamp?
    /// Nil: unknown.
    public let scopes: [String]?
    /// When it came from a service, on the clock that only goes forward: proof that tokens could be had then. Nil where
    /// that is no news: it was read from a file, or its holder has been told before.
    public var obtainedAt: MonotonicTime?

    public init(
        secret: Secret, expiresAt: Timestamp? = nil, scopes: [String]? = nil, obtainedAt: MonotonicTime? = nil
    ) {
        self.secret = secret
        self.expiresAt = expiresAt
        self.scopes = scopes
        self.obtainedAt = obtainedAt
    }

    /// Whether it is the token that was refused, known by its digest. Hashes only where one was.
    func isThat(_ rejected: SHA256Digest?) -> Bool {
        rejected.map { secret.sha256 == $0 } ?? false
    }
}
