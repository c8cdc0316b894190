package import Secrets

/// The token that names a shared album: 1–2048 bytes, and a secret, since who has it can join the album.
package struct ShareToken: Equatable, Sendable, CustomStringConvertible {
    package let secret: Secret

    package init(_ secret: Secret) {
        self.secret = secret
    }

    /// What the ledger and the log may know of it.
    package var sha256: SHA256Digest { secret.sha256 }
    package var description: String { "<redacted>" }
}
