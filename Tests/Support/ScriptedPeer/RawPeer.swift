import CLinux
import Concurrency
import Glibc

/// A TCP server on 127.0.0.1 that does to each connection what a script says, on a thread of the connection's own.
///
/// The script blocks as it likes: it reads, writes, waits for signals and ends the connection as it wants; where it
/// just returns, the connection is closed in order. Everything that came in is counted and kept.
package final class RawPeer: Sendable {
    package typealias Script = @Sendable (RawConnection) throws -> Void

    /// How long a script waits for bytes or a signal. Longer than any test takes on a slow machine; it only ends what
    /// would else hang for ever.
    package static let timeout = Duration.seconds(240)

    package let port: UInt16
    private let listener: Int32
    private let state = Lock(State())

    private struct State {
        var connections: [RawConnection] = []
        var acceptor: NativeThread?
        var threads: [NativeThread] = []
        var faults: [String] = []
        var isStopped = false
    }

    package init(_ script: @escaping Script) throws {
        (listener, port) = try Self.listen(backlog: 256)
        let acceptor = try NativeThread(name: "peer accept") { [self] in accept(script) }
        state.withLock { $0.acceptor = acceptor }
    }

    /// Serves while `body` runs, then ends every connection and thread.
    package static func serving<Result>(
        _ script: @escaping Script, _ body: (RawPeer) async throws -> Result
    ) async throws -> Result {
        let peer = try RawPeer(script)
        defer { peer.stop() }
        return try await body(peer)
    }

    /// All that were accepted so far, in that order.
    package var connections: [RawConnection] { state.withLock { $0.connections } }

    /// Bytes that all connections received. Decrypted, where a connection speaks TLS.
    package var received: [UInt8] { connections.flatMap(\.received) }

    /// What scripts threw before the peer was stopped.
    package var faults: [String] { state.withLock { $0.faults } }

    /// Ends what is still open and waits for the scripts, whose reads then throw. A script that waits for a signal
    /// must have been given it.
    package func stop() {
        let acceptor = state.withLock { state in
            state.isStopped = true
            defer { state.acceptor = nil }
            return state.acceptor
        }
        guard let acceptor else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        acceptor.join()
        close(listener)
        for connection in connections { connection.interrupt() }
        for thread in state.withLock({ $0.threads }) { thread.join() }
    }

    private func accept(_ script: @escaping Script) {
        while true {
            let descriptor = CLinux_accept(listener)
            if descriptor < 0 {
                if errno == ECONNABORTED || errno == EINTR { continue }
                return
            }
            let isStopped = state.withLock { $0.isStopped }
            if isStopped {
                close(descriptor)
                return
            }
            let connection = RawConnection(descriptor, number: connections.count)
            state.withLock { $0.connections.append(connection) }
            do {
                let thread = try NativeThread(name: "peer \(connection.number)") { [self] in
                    play(script, on: connection)
                }
                state.withLock { $0.threads.append(thread) }
            } catch {
                connection.close()
                note("connection \(connection.number): \(error)")
            }
        }
    }

    private func play(_ script: Script, on connection: RawConnection) {
        do {
            try script(connection)
        } catch {
            note("connection \(connection.number): \(error)")
        }
        connection.close()
    }

    private func note(_ fault: String) {
        state.withLock { if !$0.isStopped { $0.faults.append(fault) } }
    }

    /// A listening socket on a free port.
    static func listen(backlog: Int32) throws(SystemCallError) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemCallError("socket") }
        var address = loopback(port: 0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        do throws(SystemCallError) {
            guard withSocketAddress(&address, { bind(descriptor, $0, size) }) == 0 else {
                throw SystemCallError("bind")
            }
            guard Glibc.listen(descriptor, backlog) == 0 else { throw SystemCallError("listen") }
            var length = size
            guard withSocketAddress(&address, { getsockname(descriptor, $0, &length) }) == 0 else {
                throw SystemCallError("getsockname")
            }
        } catch {
            close(descriptor)
            throw error
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    static func withSocketAddress<Result>(
        _ address: inout sockaddr_in, _ use: (UnsafeMutablePointer<sockaddr>) -> Result
    ) -> Result {
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { use($0) }
        }
    }
}
