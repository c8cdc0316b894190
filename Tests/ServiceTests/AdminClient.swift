import CLinux
import Concurrency
import Glibc

/// A client of the admin server that says and hears bytes, and keeps no rule.
final class AdminClient: Sendable {
    private let descriptor: Int32

    /// `receiveBuffer`: what the kernel takes in for a client that does not read.
    init(port: UInt16, host: String = "127.0.0.1", receiveBuffer: Int32? = nil) throws {
        let isIPv6 = host.contains(":")
        descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        // Whatever a server does or does not do, no test waits longer; none that is well needs as long.
        var timeout = timeval(tv_sec: 240, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let code: Int32
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            inet_pton(AF_INET, host, &address.sin_addr)
            code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        guard code == 0 else {
            let error = SystemCallError("connecting")
            Glibc.close(descriptor)
            throw error
        }
    }

    deinit { Glibc.close(descriptor) }

    /// False when the other end is gone. Blocks for at most what the kernel's buffers hold.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Everything until the server ends the connection. Nil if it does not.
    func readToEnd() async -> String? {
        await onAThread {
            var all: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = recv(self.descriptor, &chunk, chunk.count, 0)
                if count > 0 {
                    all += chunk[..<count]
                } else if count < 0, CLinux_errno() == EAGAIN {
                    return nil
                } else {
                    // A reset after the answer is an end as well: the server did not read what it refused.
                    return String(decoding: all, as: UTF8.self)
                }
            }
        }
    }

    /// One whole request and its answer.
    static func perform(_ port: UInt16, _ request: String) async throws -> AdminAnswer {
        let client = try AdminClient(port: port)
        client.send(request)
        return AdminAnswer(text: await client.readToEnd() ?? "")
    }

    static func get(_ port: UInt16, _ path: String) async throws -> AdminAnswer {
        try await perform(port, "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n")
    }
}

/// An answer as it came.
struct AdminAnswer {
    let text: String

    var status: Int { Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    var head: String { String(text[..<(text.range(ofEnd: "\r\n\r\n")?.start ?? text.endIndex)]) }
    var body: String { text.range(ofEnd: "\r\n\r\n").map { String(text[$0.end...]) } ?? "" }

    func field(_ name: String) -> String? {
        head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("\(name.lowercased()): ") }
            .map { String($0.dropFirst(name.utf8.count + 2)) }
    }
}

extension String {
    fileprivate func range(ofEnd mark: String) -> (start: Index, end: Index)? {
        var start = startIndex
        while start < endIndex {
            if self[start...].utf8.starts(with: mark.utf8) {
                return (start, utf8.index(start, offsetBy: mark.utf8.count))
            }
            start = unicodeScalars.index(after: start)
        }
        return nil
    }
}
