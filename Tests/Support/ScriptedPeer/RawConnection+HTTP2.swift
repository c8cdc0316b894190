extension RawConnection {
    /// Takes the client's preface and sends the server's.
    /// - Parameter window: bytes of a body that the client may send unasked, instead of 65,535.
    package func startHTTP2(window: UInt8? = nil) throws(RawPeerFault) {
        // First: a client that has it before it sends a body keeps to it.
        try send(HTTPPeerFrame(.settings, payload: window.map { [0, 4, 0, 0, 0, $0] } ?? []))
        _ = try read(until: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    }

    package func send(_ frames: HTTPPeerFrame...) throws(RawPeerFault) {
        try write(frames.flatMap(\.encoded))
    }

    /// Takes the next frame; settings and pings are acknowledged on the way.
    package func readFrame() throws(RawPeerFault) -> HTTPPeerFrame {
        while true {
            let head = try read(count: 9)
            let size = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let stream = head[5...].reduce(0) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
            let payload = try read(count: size)
            guard let kind = HTTPPeerFrame.Kind(rawValue: head[3]) else { continue }
            let frame = HTTPPeerFrame(kind, flags: head[4], stream: stream, payload: payload)
            switch kind {
            case .settings where frame.flags & HTTPPeerFrame.acknowledged == 0:
                try send(HTTPPeerFrame(.settings, flags: HTTPPeerFrame.acknowledged))
            case .ping where frame.flags & HTTPPeerFrame.acknowledged == 0:
                try send(HTTPPeerFrame(.ping, flags: HTTPPeerFrame.acknowledged, payload: payload))
            case .settings, .ping, .windowUpdate, .priority: break
            default: return frame
            }
        }
    }

    /// Takes frames until a request is complete: its stream and its body.
    package func readStream() throws(RawPeerFault) -> (stream: UInt32, body: [UInt8]) {
        var body: [UInt8] = []
        while true {
            let frame = try readFrame()
            if frame.kind == .data { body += frame.payload }
            if frame.endsStream { return (frame.stream, body) }
        }
    }

    /// Takes frames until a request's head, and returns its stream.
    package func readHead() throws(RawPeerFault) -> UInt32 {
        while true {
            let frame = try readFrame()
            if frame.kind == .headers { return frame.stream }
        }
    }
}
