import CLinux
import CTLSPeer
import Clocks
import Concurrency
import Glibc

/// One accepted connection, in the hands of its script. Only the script's thread reads, writes and ends it.
package final class RawConnection: Sendable {
    /// 0 for the first that the peer accepted.
    package let number: Int

    private struct State {
        // -1 once closed.
        var descriptor: Int32
        var tls: OpaquePointer?
        // All that came, and how much of it the script has taken.
        var received: [UInt8] = []
        var taken = 0
    }

    private let state: Lock<State>

    init(_ descriptor: Int32, number: Int) {
        self.number = number
        var timeout = timeval(tv_sec: Int(RawPeer.timeout.milliseconds / 1000), tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
        var on: Int32 = 1
        setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        state = Lock(State(descriptor: descriptor))
    }

    /// Everything that came in until now, taken by the script or not.
    package var received: [UInt8] { state.withLock { $0.received } }

    // MARK: Reading

    /// Takes exactly `count` bytes.
    package func read(count: Int) throws(RawPeerFault) -> [UInt8] {
        while waiting.count < count { try receive() }
        return take(count)
    }

    /// Takes all up to and with the first `mark`.
    package func read(until mark: [UInt8]) throws(RawPeerFault) -> [UInt8] {
        while true {
            let waiting = self.waiting
            if let end = waiting.firstRange(of: mark)?.upperBound { return take(end) }
            try receive()
        }
    }

    package func read(until mark: String) throws(RawPeerFault) -> String {
        String(decoding: try read(until: Array(mark.utf8)), as: UTF8.self)
    }

    /// Takes all until the other side finishes or resets.
    @discardableResult
    package func readToEnd() throws(RawPeerFault) -> [UInt8] {
        do {
            while true { try receive() }
        } catch RawPeerFault.ended, RawPeerFault.reset {
            return take(waiting.count)
        }
    }

    private var waiting: [UInt8] { state.withLock { Array($0.received[$0.taken...]) } }

    private func take(_ count: Int) -> [UInt8] {
        state.withLock { state in
            defer { state.taken += count }
            return Array(state.received[state.taken..<state.taken + count])
        }
    }

    private func receive() throws(RawPeerFault) {
        let (descriptor, tls) = state.withLock { ($0.descriptor, $0.tls) }
        guard descriptor >= 0 else { throw .reset }
        var piece = [UInt8](repeating: 0, count: 65_536)
        let count: Int
        if let tls {
            count = Int(CTLSPeer_read(tls, &piece, Int32(piece.count)))
        } else {
            count = recv(descriptor, &piece, piece.count, 0)
        }
        guard count >= 0 else { throw Self.fault("recv") }
        guard count > 0 else { throw .ended }
        state.withLock { $0.received += piece[..<count] }
    }

    // MARK: Writing

    package func write(_ bytes: [UInt8]) throws(RawPeerFault) {
        let (descriptor, tls) = state.withLock { ($0.descriptor, $0.tls) }
        guard descriptor >= 0 else { throw .reset }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                guard let tls else {
                    return Glibc.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
                }
                return Int(CTLSPeer_write(tls, buffer.baseAddress, Int32(buffer.count)))
            }
            guard count > 0 else { throw Self.fault("send") }
            rest = rest.dropFirst(count)
        }
    }

    package func write(_ text: String) throws(RawPeerFault) {
        try write(Array(text.utf8))
    }

    // MARK: TLS

    /// Answers the client's handshake; from then on all reading and writing is inside TLS.
    /// - Parameter protocols: what is offered by ALPN, the preferred first; empty for no ALPN.
    package func startTLS(_ identity: TLSIdentity, protocols: [String] = []) throws(RawPeerFault) {
        let descriptor = state.withLock { $0.descriptor }
        let offer = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        guard
            let tls = CTLSPeer_accept(
                descriptor, identity.certificateFile, identity.keyFile, identity.clientAuthorityFile, offer,
                UInt32(offer.count))
        else { throw .handshake }
        state.withLock { $0.tls = tls }
    }

    /// What ALPN agreed on; empty if nothing.
    package var negotiatedProtocol: String {
        var name = [CChar](repeating: 0, count: 256)
        if let tls = state.withLock({ $0.tls }) { CTLSPeer_protocol(tls, &name) }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: The end

    /// Sends FIN and keeps receiving; with TLS without its own farewell, as a server that dies does.
    package func finish() {
        state.withLock { _ = shutdown($0.descriptor, Int32(SHUT_WR)) }
    }

    /// Closes both ways, in order: FIN, unless unread bytes make it a reset.
    package func close() {
        state.withLock { state in
            guard state.descriptor >= 0 else { return }
            if let tls = state.tls { CTLSPeer_free(tls) }
            state.tls = nil
            Glibc.close(state.descriptor)
            state.descriptor = -1
        }
    }

    /// Sends RST.
    package func reset() {
        state.withLock { state in
            var off = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                state.descriptor, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
        }
        close()
    }

    /// Makes the script's reads end, from another thread.
    package func interrupt() {
        state.withLock { state in
            guard state.descriptor >= 0 else { return }
            _ = shutdown(state.descriptor, Int32(SHUT_RDWR))
        }
    }

    private static func fault(_ call: String) -> RawPeerFault {
        let code = CLinux_errno()
        return switch code {
        case ECONNRESET, EPIPE: .reset
        case EAGAIN: .timedOut
        default: .system(call, code: code)
        }
    }
}
