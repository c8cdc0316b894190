import CLinux
import Clocks
import Glibc
import Jobs

/// One client, on a thread of its own: reads requests, does to each what is asked.
struct Connection: Sendable {
    let socket: Int32
    let service: SimulatedService

    func serve() {
        defer { close(socket) }
        var one: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        let peer = self.peer
        let api = API(service: service)
        let control = Control(service: service)
        var parser = RequestParser()
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            switch parser.next() {
            case .needMore:
                let count = read(socket, &buffer, buffer.count)
                guard count > 0 else { return }
                parser.feed(buffer[..<count])
            case .refuse(let status):
                _ = send(HTTPAnswer(status: status, body: []).encoded(keepAlive: false).bytes[...])
                return
            case .request(let request):
                let goesOn: Bool
                if request.target.hasPrefix(Control.prefix) {
                    goesOn = send(control.handle(request).encoded(keepAlive: request.keepAlive).bytes[...])
                } else if request.method == "POST", request.target == TokenService.path {
                    let reply = TokenService(service: service).handle(request)
                    goesOn = answer(reply, to: nil, keepAlive: request.keepAlive)
                } else {
                    let (reply, call) = api.handle(request, from: peer)
                    goesOn = answer(reply, to: call, keepAlive: request.keepAlive)
                }
                guard goesOn, request.keepAlive else { return }
            }
        }
    }

    /// False when the connection is over.
    private func answer(_ reply: API.Reply, to call: Int?, keepAlive: Bool) -> Bool {
        pause(milliseconds: service.latencyMilliseconds)
        if case .fault(.delay(let milliseconds), _) = reply { pause(milliseconds: milliseconds) }
        if case .fault(.stall(let milliseconds, _), _) = reply { pause(milliseconds: milliseconds) }
        if let call { service.noteEnd(of: call) }
        switch reply {
        case .answer(let answer): return send(answer.encoded(keepAlive: keepAlive).bytes[...])
        case .fault(let action, let ordinary):
            let (bytes, headerLength) = ordinary.encoded(keepAlive: keepAlive)
            switch action {
            case .answer(let answer): return send(answer.encoded(keepAlive: keepAlive).bytes[...])
            case .close, .stall: break
            case .reset: reset()
            case .truncatedHeaders: _ = send(bytes[..<(headerLength / 2)])
            case .partialBody: _ = send(bytes[..<(headerLength + (bytes.count - headerLength) / 2)])
            case .junk: _ = send(Array("\u{1}\u{2}not http at all\r\n\r\n".utf8)[...])
            case .delay: return send(bytes[...])
            }
            return false
        }
    }

    /// Where the client is, if that is not this machine's own loopback.
    private var peer: String? {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(socket, $0, &size) == 0 }
        }
        guard isKnown, UInt32(bigEndian: address.sin_addr.s_addr) >> 24 != 127 else { return nil }
        var text = [UInt8](repeating: 0, count: Int(INET_ADDRSTRLEN))
        let isWritten = text.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                inet_ntop(AF_INET, &address.sin_addr, $0.baseAddress, socklen_t($0.count)) != nil
            }
        }
        return isWritten ? String(decoding: text.prefix { $0 != 0 }, as: UTF8.self) : nil
    }

    private func pause(milliseconds: Int) {
        guard milliseconds > 0 else { return }
        // A poll of nothing: the thread is this connection's alone.
        poll(nil, 0, Int32(clamping: milliseconds))
    }

    private func send(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func reset() {
        // Lingering for no time makes close(2) send RST.
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }
}
