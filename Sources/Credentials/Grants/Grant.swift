package import Clocks
import JSON
package import Jobs
package import Secrets

/// What a user has granted, as the store keeps it.
package struct Grant: Equatable, Sendable {
    package enum Status: String, Sendable {
        case active
        /// The user took it back; nothing but a new import helps.
        case revoked
        /// The user must sign in again.
        case reauthRequired = "reauth_required"
    }

    package var account: AccountID
    /// Of the OAuth client that the grant was given to.
    package var clientID: String
    package var refreshToken: Secret
    /// Nil: unknown.
    package var scopes: [String]?
    /// One more at each write.
    package var generation: Int
    package var status: Status
    package var updatedAt: Timestamp
    /// What a newer program has noted of it: whoever writes it again leaves that as it is.
    var unknownMembers: [JSONValue.Member] = []

    package init(
        account: AccountID, clientID: String, refreshToken: Secret, scopes: [String]? = nil, generation: Int = 0,
        status: Status = .active, updatedAt: Timestamp
    ) {
        self.account = account
        self.clientID = clientID
        self.refreshToken = refreshToken
        self.scopes = scopes
        self.generation = generation
        self.status = status
        self.updatedAt = updatedAt
    }
}

extension Grant {
    /// A line of JSON without secrets, then the refresh token as it is: no decoder ever copies it.
    var packed: Secret {
        var members: [JSONValue.Member] = [
            .init("clientId", .text(clientID)), .init("generation", .integer(Int64(generation))),
            .init("status", .text(status.rawValue)), .init("updatedAtMs", .integer(updatedAt.milliseconds)),
        ]
        if let scopes { members.append(.init("scopes", .array(scopes.map(JSONValue.text)))) }
        members += unknownMembers
        var bytes = JSONValue.object(members).encoded() + [0x0a]
        refreshToken.withUnsafeBytes { bytes += $0 }
        defer { _ = bytes.withUnsafeMutableBytes { $0.initializeMemory(as: UInt8.self, repeating: 0) } }
        return Secret(copying: bytes)
    }

    init?(packed: Secret, account: AccountID) {
        let parsed: (JSONValue, Secret)? = packed.withUnsafeBytes { bytes in
            guard let end = bytes.firstIndex(of: 0x0a), let header = try? JSONValue.parse(Array(bytes[..<end])) else {
                return nil
            }
            return (header, Secret(copying: UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...])))
        }
        guard let (header, token) = parsed, let clientID = header["clientId"]?.text,
            let status = header["status"]?.text.flatMap(Status.init(rawValue:)),
            let generation = header["generation"]?.integer, let updated = header["updatedAtMs"]?.integer
        else { return nil }
        self.init(
            account: account, clientID: clientID, refreshToken: token,
            scopes: header["scopes"]?.elements?.compactMap(\.text), generation: Int(clamping: generation),
            status: status, updatedAt: Timestamp(milliseconds: updated))
        unknownMembers = (header.members ?? []).filter { !Self.names.contains($0.name) }
    }

    private static let names = Set(
        ["clientId", "generation", "scopes", "status", "updatedAtMs"].map { [UInt8]($0.utf8) })
}
