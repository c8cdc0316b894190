package import Clocks
package import Secrets

/// What stands behind `Authorization: Bearer`.
package struct AccessToken: Sendable {
    package let secret: Secret
    /// Nil: unknown.
    package let expiresAt: Timestamp?
    /// Nil: unknown.
    package let scopes: [String]?
    /// When it came from a service, on the clock that only goes forward: proof that tokens could be had then. Nil where
    /// that is no news: it was read from a file, or its holder has been told before.
    package var obtainedAt: MonotonicTime?

    package init(
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

extension AccessToken {
    /// What `sharedAlbums.leave` and the album query need.
    package static let sharingScope = "https://www.googleapis.com/auth/photoslibrary.sharing"

    /// Its scopes are known, and this one is not among them.
    package var lacksSharingScope: Bool {
        scopes.map { !$0.contains(Self.sharingScope) } ?? false
    }
}
