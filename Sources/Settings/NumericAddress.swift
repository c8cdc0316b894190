import CLinux
import Glibc

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
