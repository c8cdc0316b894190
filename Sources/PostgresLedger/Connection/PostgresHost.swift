/// One server that the URL names. Several are tried in turn.
struct PostgresHost: Hashable, Sendable, CustomStringConvertible {
    /// What lies between this process and the server, as far as the text says.
    enum Reach: Hashable, Sendable {
        case socket
        case loopback
        case network
    }

    /// A name or an address, which a certificate is checked against; or the directory of a socket.
    var name: String
    /// Where the name is not to be looked up.
    var address: String?
    var port: Int

    /// Where Debian's server has its socket, for a URL without a host.
    static let usualDirectory = "/var/run/postgresql"
    static let usualPort = 5432

    var reach: Reach {
        // libpq takes a path or an abstract name for a socket.
        if address == nil, name.hasPrefix("/") || name.hasPrefix("@") { return .socket }
        return Self.isLoopback(address ?? name) ? .loopback : .network
    }

    /// Of a literal address, or the one name that always means this machine; what it is found as is checked again.
    static func isLoopback(_ text: String) -> Bool {
        if text == "localhost" || text == "::1" { return true }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// For logs and errors.
    var description: String {
        reach == .socket ? "socket \(name) (port \(port))" : "\(name.contains(":") ? "[\(name)]" : name):\(port)"
    }
}
