import CLinux
import Concurrency
import Glibc

/// Ports on 127.0.0.1 where nobody serves.
package enum RawPort {
    /// A port that refuses: bound, so that nothing else takes it meanwhile, and not listening.
    package static func refusing<Result>(_ body: (UInt16) async throws -> Result) async throws
        -> Result
    {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemCallError("socket") }
        defer { close(descriptor) }
        var address = RawPeer.loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard RawPeer.withSocketAddress(&address, { bind(descriptor, $0, size) }) == 0 else {
            throw SystemCallError("bind")
        }
        guard RawPeer.withSocketAddress(&address, { getsockname(descriptor, $0, &size) }) == 0 else {
            throw SystemCallError("getsockname")
        }
        return try await body(UInt16(bigEndian: address.sin_port))
    }

    /// A port whose backlog is full: the kernel drops every further SYN, and a connect stalls.
    package static func stalling<Result>(_ body: (UInt16) async throws -> Result) async throws
        -> Result
    {
        let (listener, port) = try RawPeer.listen(backlog: 0)
        var fillers: [Int32] = []
        defer { for descriptor in fillers + [listener] { close(descriptor) } }
        var isFull = false
        while !isFull {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            guard filler >= 0 else { throw SystemCallError("socket") }
            fillers.append(filler)
            var address = RawPeer.loopback(port: port)
            _ = RawPeer.withSocketAddress(&address) {
                connect(filler, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
            var connecting = pollfd(fd: filler, events: Int16(POLLOUT), revents: 0)
            // On the loopback a handshake is done at once or, dropped, in a second at the earliest.
            isFull = poll(&connecting, 1, 200) == 0
        }
        return try await body(port)
    }
}
