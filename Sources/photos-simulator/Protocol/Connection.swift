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
                    goesOn = answer(TokenService(service: service).handle(request), keepAlive: request.keepAlive)
                } else {
                    goesOn = answer(api.handle(request), keepAlive: request.keepAlive)
                }
                guard goesOn, request.keepAlive else { return }
            }
        }
    }

    /// False when the connection is over.
    private func answer(_ reply: API.Reply, keepAlive: Bool) -> Bool {
        pause(milliseconds: service.latencyMilliseconds)
        switch reply {
        case .answer(let answer): return send(answer.encoded(keepAlive: keepAlive).bytes[...])
        case .fault(let action, let ordinary):
            let (bytes, headerLength) = ordinary.encoded(keepAlive: keepAlive)
            switch action {
            case .answer(let answer): return send(answer.encoded(keepAlive: keepAlive).bytes[...])
            case .close: break
            case .reset: reset()
            case .stall(let milliseconds, _): pause(milliseconds: milliseconds)
            case .truncatedHeaders: _ = send(bytes[..<(headerLength / 2)])
            case .partialBody: _ = send(bytes[..<(headerLength + (bytes.count - headerLength) / 2)])
            case .junk: _ = send(Array("\u{1}\u{2}not http at all\r\n\r\n".utf8)[...])
            case .delay(let milliseconds):
                pause(milliseconds: milliseconds)
                return send(bytes[...])
            }
            return false
        }
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
