import CLinux
import Concurrency
import Glibc

/// A client's end of a connection on this machine, without manners.
final class LocalSocket: Sendable {
    private let descriptor: Int32
    private let received = Lock<[UInt8]>([])

    /// Of the port of 127.0.0.1, or of the socket at the path. Whoever listens need not have accepted it.
    init(port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        descriptor = try Self.connected(AF_INET, address)
    }

    init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        descriptor = try Self.connected(AF_UNIX, address)
    }

    private static func connected<Address>(_ family: Int32, _ address: Address) throws -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let code = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        guard code == 0 else {
            let error = SystemCallError("connecting")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// All that has come by now.
    func receivedSoFar() -> String {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        return received.withLock { received in
            while true {
                let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
                guard count > 0 else { return String(decoding: received, as: UTF8.self) }
                received += bytes[..<count]
            }
        }
    }
}
