/// One HTTP/2 frame, as https://www.rfc-editor.org/rfc/rfc9113#name-frame-format has it.
package struct HTTPPeerFrame: Sendable {
    package enum Kind: UInt8, Sendable {
        case data, headers, priority, rstStream, settings, pushPromise, ping, goAway, windowUpdate,
            continuation
    }

    /// The error codes that the tests use.
    package enum ErrorCode: UInt8, Sendable {
        case noError = 0x0
        case internalError = 0x2
        case refusedStream = 0x7
    }

    package var kind: Kind
    package var flags: UInt8
    package var stream: UInt32
    package var payload: [UInt8]

    package static let endStream: UInt8 = 0x1
    package static let acknowledged: UInt8 = 0x1
    package static let endHeaders: UInt8 = 0x4

    package init(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    package var endsStream: Bool { [.data, .headers].contains(kind) && flags & Self.endStream != 0 }

    /// The headers `:status 200` and, if it is given, `content-length`: 8 and 28 in HPACK's static table.
    package static func ok(stream: UInt32, length: Int? = nil, ends: Bool = false) -> Self {
        let digits = length.map { Array("\($0)".utf8) }
        let field = digits.map { [0x0f, 28 - 15, UInt8($0.count)] + $0 } ?? []
        return Self(
            .headers, flags: endHeaders | (ends ? endStream : 0), stream: stream, payload: [0x88] + field)
    }

    package static func reset(stream: UInt32, _ code: ErrorCode) -> Self {
        Self(.rstStream, stream: stream, payload: [0, 0, 0, code.rawValue])
    }

    /// - Parameter last: the highest stream that was or may yet be processed.
    package static func goAway(last: UInt32, _ code: ErrorCode = .noError) -> Self {
        Self(.goAway, payload: Self.bytes(last) + [0, 0, 0, code.rawValue])
    }

    var encoded: [UInt8] {
        Self.bytes(UInt32(payload.count)).dropFirst() + [kind.rawValue, flags] + Self.bytes(stream)
            + payload
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
