import CLinux
import Concurrency
import Foundation
import Glibc

/// What a service manager hears: a datagram socket of sd_notify(3)'s kind.
final class NotifySocket: Sendable {
    struct Failure: Error {}

    let path: String
    private let descriptor: Int32
    private let heard = Lock<[String]>([])
    private let thread: NativeThread

    /// Listens at `path`, which has at most 107 bytes.
    init(path: String) throws {
        self.path = path
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        let address = Self.address(path)
        let isBound = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard descriptor >= 0, isBound else { throw Failure() }
        self.descriptor = descriptor
        thread = try NativeThread(name: "notify") { [heard] in
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { return }
                let lines = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
                heard.withLock { $0 += lines }
            }
        }
    }

    /// Every assignment so far, in order.
    var lines: [String] { heard.withLock { $0 } }

    var status: String { lines.last { $0.hasPrefix("STATUS=") } ?? "" }

    func count(_ line: String) -> Int { lines.filter { $0 == line }.count }

    /// Returns when everything that was sent before has been read.
    func readAll() async throws {
        let mark = "X_MARK=\(UUID().uuidString)"
        guard notify(mark) else { throw Failure() }
        try await eventually("the mark is read") { count(mark) == 1 }
    }

    /// As a service does.
    private func notify(_ line: String) -> Bool {
        let sender = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(sender) }
        var address = Self.address(path)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(sender, line, line.utf8.count, 0, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) > 0
            }
        }
    }

    private static func address(_ path: String) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8.prefix(107))) }
        return address
    }

    func end() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        thread.join()
        close(descriptor)
    }
}
