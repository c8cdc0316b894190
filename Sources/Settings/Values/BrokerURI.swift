package import Secrets

/// One endpoint of the broker. Prints without its password.
package struct BrokerURI: Equatable, Sendable {
    package let isTLS: Bool
    /// A name or a numeric address, without brackets.
    package let host: String
    package let port: UInt16
    package let vhost: String
    package let username: String?
    package let password: Secret?

    package init(
        isTLS: Bool, host: String, port: UInt16, vhost: String = "/", username: String? = nil, password: Secret? = nil
    ) {
        self.isTLS = isTLS
        self.host = host
        self.port = port
        self.vhost = vhost
        self.username = username
        self.password = password
    }
}

extension BrokerURI: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    static let amqpPort: UInt16 = 5672
    static let amqpsPort: UInt16 = 5671

    /// `amqp://user:password@host:port/vhost`, or `amqps`; everything but the host may be left out, and user,
    /// password and vhost may be percent-encoded. No vhost, or an empty one, is `/`.
    init(parsing text: String) throws(MalformedText) {
        let parts = try URIParts(text)
        guard parts.scheme == "amqp" || parts.scheme == "amqps" else {
            throw MalformedText(problem: "its scheme is neither amqp nor amqps")
        }
        let isTLS = parts.scheme == "amqps"
        let encodedVhost = parts.path.dropFirst()
        guard !encodedVhost.contains("/") else {
            throw MalformedText(problem: "its vhost has a slash, which is written %2F")
        }
        guard let vhost = URIParts.percentDecoded(encodedVhost), vhost.utf8.count <= SettingRange.shortStringBytes
        else { throw MalformedText(problem: "its vhost is not UTF-8 of at most 255 bytes") }
        if isTLS, NumericAddress(parts.host) != nil {
            throw MalformedText(
                problem: "it is amqps to a numeric address, which no certificate matches; use the host's name")
        }
        let user = try Self.credentials(parts.userinfo)
        self.init(
            isTLS: isTLS, host: parts.host, port: parts.port ?? (isTLS ? Self.amqpsPort : Self.amqpPort),
            vhost: vhost.isEmpty ? "/" : vhost, username: user.name, password: user.password)
    }

    private static func credentials(
        _ userinfo: String?
    ) throws(MalformedText) -> (name: String?, password: Secret?) {
        guard let userinfo else { return (nil, nil) }
        let name = userinfo.prefix { $0 != ":" }
        let rest = userinfo[name.endIndex...]
        guard let username = URIParts.percentDecoded(name), !username.isEmpty else {
            throw MalformedText(problem: "its user is empty or not UTF-8")
        }
        guard !rest.isEmpty else { return (username, nil) }
        guard let password = URIParts.percentDecoded(rest.dropFirst()) else {
            throw MalformedText(problem: "its password is not UTF-8 with complete percent escapes")
        }
        return (username, Secret(copying: Array(password.utf8)))
    }

    /// The URI without its password.
    package var description: String {
        let user = username.map { Self.percentEncoded($0) + (password == nil ? "" : ":***") + "@" } ?? ""
        let place = host.contains(":") ? "[\(host)]" : host
        return "\(isTLS ? "amqps" : "amqp")://\(user)\(place):\(port)/\(Self.percentEncoded(vhost))"
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }

    private static func percentEncoded(_ text: String) -> String {
        text.utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            let isPlain = character.isASCII && (character.isLetter || character.isNumber || "-._~".contains(character))
            return isPlain ? String(character) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
