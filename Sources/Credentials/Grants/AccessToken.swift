package import Clocks
import JSON
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
    /// A line of JSON with its scopes, then the token as it is.
    var packed: Secret {
        let members = scopes.map { [JSONValue.Member("scopes", .array($0.map(JSONValue.text)))] } ?? []
        var bytes = JSONValue.object(members).encoded() + [0x0a]
        secret.withUnsafeBytes { bytes += $0 }
        defer { _ = bytes.withUnsafeMutableBytes { $0.initializeMemory(as: UInt8.self, repeating: 0) } }
        return Secret(copying: bytes)
    }

    init?(packed: Secret, expiresAt: Timestamp) {
        let parsed: (JSONValue, Secret)? = packed.withUnsafeBytes { bytes in
            guard let end = bytes.firstIndex(of: 0x0a), let header = try? JSONValue.parse(Array(bytes[..<end])) else {
                return nil
            }
            return (header, Secret(copying: UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...])))
        }
        guard let (header, token) = parsed else { return nil }
        self.init(
            secret: token, expiresAt: expiresAt, scopes: header["scopes"]?.elements?.compactMap(\.text))
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
