/// One HTTP/2 frame, as https://www.rfc-editor.org/rfc/rfc9113#name-frame-format has it.
public struct HTTPPeerFrame: Sendable {
    public enum Kind: UInt8, Sendable {
        case data, headers, priority, rstStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
    }

    /// The error codes that the tests use.
    public enum ErrorCode: UInt8, Sendable {
        case noError = 0x0
        case internalError = 0x2
        case refusedStream = 0x7
    }

    public var kind: Kind
    public var flags: UInt8
    public var stream: UInt32
    public var payload: [UInt8]

    public static let endStream: UInt8 = 0x1
    public static let acknowledged: UInt8 = 0x1
    public static let endHeaders: UInt8 = 0x4

    public init(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    public var endsStream: Bool { [.data, .headers].contains(kind) && flags & Self.endStream != 0 }

    /// Headers that consist of `:status 200` alone: index 8 of HPACK's static table.
    public static func ok(stream: UInt32, ends: Bool = false) -> Self {
        Self(.headers, flags: endHeaders | (ends ? endStream : 0), stream: stream, payload: [0x88])
    }

    public static func reset(stream: UInt32, _ code: ErrorCode) -> Self {
        Self(.rstStream, stream: stream, payload: [0, 0, 0, code.rawValue])
    }

    /// - Parameter last: the highest stream that was or may yet be processed.
    public static func goAway(last: UInt32, _ code: ErrorCode = .noError) -> Self {
        Self(.goAway, payload: Self.bytes(last) + [0, 0, 0, code.rawValue])
    }

    var encoded: [UInt8] {
        Self.bytes(UInt32(payload.count)).dropFirst() + [kind.rawValue, flags] + Self.bytes(stream) + payload
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

extension RawConnection {
    /// Takes the client's preface and sends the server's.
    public func startHTTP2() throws(RawPeerFault) {
        _ = try read(until: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        try send(HTTPPeerFrame(.settings))
    }

    public func send(_ frames: HTTPPeerFrame...) throws(RawPeerFault) {
        try write(frames.flatMap(\.encoded))
    }

    /// Takes the next frame; settings and pings are acknowledged on the way.
    public func readFrame() throws(RawPeerFault) -> HTTPPeerFrame {
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
    public func readStream() throws(RawPeerFault) -> (stream: UInt32, body: [UInt8]) {
        var body: [UInt8] = []
        while true {
            let frame = try readFrame()
            if frame.kind == .data { body += frame.payload }
            if frame.endsStream { return (frame.stream, body) }
        }
    }
}
