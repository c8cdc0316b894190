public import Secrets

/// The token that names a shared album: 1–2048 bytes, and a secret, since who has it can join the album.
public struct ShareToken: Equatable, Sendable, CustomStringConvertible {
    public let secret: Secret

    public init(_ secret: Secret) {
        self.secret = secret
    }

    /// What the ledger and the log may know of it.
    public var sha256: SHA256Digest { secret.sha256 }
    public var description: String { "<redacted>" }
}
