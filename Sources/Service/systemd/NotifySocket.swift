import CLinux
import Glibc

/// The socket of sd_notify(3)'s protocol, opened once. sd_notify itself opens one for each datagram: a daemon without a
/// free descriptor would feed its watchdog no more, and be killed though it works.
final class NotifySocket: Sendable {
    private let descriptor: Int32
    private let address: [UInt8]

    /// `name` is what `NOTIFY_SOCKET` holds: a path, or an abstract name behind an `@`. Nil for any other kind, of a
    /// virtual machine say, and if no socket can be made.
    init?(name: String) {
        var bytes = Array(name.utf8)
        guard let first = bytes.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
            bytes.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        else { return nil }
        // An abstract name begins with a zero, and ends with the address.
        if first == UInt8(ascii: "@") { bytes[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let size = MemoryLayout.offset(of: \sockaddr_un.sun_path).map { $0 + bytes.count } ?? 0
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        self.address = withUnsafeBytes(of: address) { Array($0.prefix(size)) }
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// To the address each time: a manager that is started anew listens there again.
    func send(_ text: String) {
        let text = Array(text.utf8)
        address.withUnsafeBytes { bytes in
            let address = bytes.bindMemory(to: sockaddr.self).baseAddress
            // A manager that does not listen is no reason to stop: it will say so itself, by killing the service.
            _ = sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), address, socklen_t(bytes.count))
        }
    }
}
