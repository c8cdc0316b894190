import CLinux

/// A numeric IP address and a TCP port to listen on.
public struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// IPv4 or IPv6, without brackets.
    public let host: String
    /// 0: the system picks a free one.
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    static let defaultAddress = ListenAddress(host: "127.0.0.1", port: 9464)

    /// `127.0.0.1:9464` or `[::1]:9464`. Nil if it is neither.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else { return nil }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard NumericAddress(String(host))?.isIPv6 == isBracketed else { return nil }
        self.init(host: String(host), port: port)
    }

    public var isLoopback: Bool { NumericAddress(host)?.isLoopback ?? false }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
