import CLinux
import Glibc

/// A numeric IP address and a TCP port to listen on.
package struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// IPv4 or IPv6, without brackets.
    package let host: String
    /// 0: the system picks a free one.
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    static let defaultAddress = ListenAddress(host: "127.0.0.1", port: 9464)

    /// `127.0.0.1:9464` or `[::1]:9464`. Nil if it is neither.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else { return nil }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard NumericAddress(String(host))?.isIPv6 == isBracketed else { return nil }
        self.init(host: String(host), port: port)
    }

    package var isLoopback: Bool { NumericAddress(host)?.isLoopback ?? false }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// An IP address written as numbers.
struct NumericAddress: Equatable {
    let bytes: [UInt8]

    init?(_ text: String) {
        var ipv6 = in6_addr()
        var ipv4 = in_addr()
        if inet_pton(AF_INET, text, &ipv4) == 1 {
            bytes = withUnsafeBytes(of: &ipv4) { Array($0) }
        } else if inet_pton(AF_INET6, text, &ipv6) == 1 {
            bytes = withUnsafeBytes(of: &ipv6) { Array($0) }
        } else {
            return nil
        }
    }

    var isIPv6: Bool { bytes.count == 16 }

    /// 127.0.0.0/8 and ::1.
    var isLoopback: Bool {
        isIPv6 ? bytes == [UInt8](repeating: 0, count: 15) + [1] : bytes.first == 127
    }

    /// Whether a URL's host, without brackets, can only be this machine: a loopback address or `localhost`.
    static func isThisMachine(_ host: String) -> Bool {
        NumericAddress(host)?.isLoopback ?? (host.lowercased() == "localhost")
    }
}
