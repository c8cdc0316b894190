/// What travels on from the job's message to the call and the result: of W3C Trace Context only what that allows,
/// https://www.w3.org/TR/trace-context/. Whatever a publisher wrote, no server refuses the call for it.
public struct TraceContext: Equatable, Sendable {
    public let correlationID: String?
    /// 55 characters: version, trace, parent and flags.
    public let traceparent: String?
    /// Nil without a traceparent, which gives it its meaning.
    public let tracestate: String?

    /// What is not well-formed is left out: a traceparent together with its tracestate, an empty correlation id.
    public init(correlationID: String? = nil, traceparent: String? = nil, tracestate: String? = nil) {
        self.correlationID = correlationID.flatMap { $0.isEmpty ? nil : $0 }
        self.traceparent = traceparent.flatMap(Self.wellFormedTraceparent)
        self.tracestate = self.traceparent == nil ? nil : tracestate.flatMap { Self.isTracestate($0) ? $0 : nil }
    }

    /// The trace's 32 hexadecimal digits, by which logs of several programs are found together.
    public var traceID: String? {
        traceparent.map { String($0.dropFirst(3).prefix(32)) }
    }

    private init(_ correlationID: String?, _ traceparent: String, _ tracestate: String?) {
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.tracestate = tracestate
    }

    /// The same trace, or the one that begins here, with another span as the parent of what follows: a `traceparent` that
    /// this program made.
    public func continued(by traceparent: String) -> TraceContext {
        TraceContext(correlationID, traceparent, tracestate)
    }

    // MARK: traceparent

    /// Of version 00, and of what a later version may only append to.
    private static let traceparentLength = 55

    /// https://www.w3.org/TR/trace-context/#versioning-of-traceparent: a later version is read by what this one has.
    private static func wellFormedTraceparent(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.count >= traceparentLength else { return nil }
        let parts = bytes[..<traceparentLength].split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [2, 32, 16, 2], parts.allSatisfy({ $0.allSatisfy(isLowercaseHexadecimal) }) else {
            return nil
        }
        let version = parts[0]
        let mayBeLonger = !version.elementsEqual("00".utf8) && bytes.dropFirst(traceparentLength).first == 0x2D
        guard !version.elementsEqual("ff".utf8), bytes.count == traceparentLength || mayBeLonger else { return nil }
        // Zeros alone say that there is none.
        guard parts[1...2].allSatisfy({ part in part.contains { $0 != UInt8(ascii: "0") } }) else { return nil }
        return String(decoding: bytes[..<traceparentLength], as: UTF8.self)
    }

    private static func isLowercaseHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    // MARK: tracestate

    /// Longest `tracestate` that is passed on, as W3C Trace Context asks of all; servers refuse much longer headers.
    private static let longestTracestate = 512
    private static let mostListMembers = 32

    /// https://www.w3.org/TR/trace-context/#tracestate-header
    private static func isTracestate(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count <= longestTracestate else { return false }
        let members = bytes.split(separator: UInt8(ascii: ",")).map(trimmed).filter { !$0.isEmpty }
        guard (1...mostListMembers).contains(members.count) else { return false }
        var keys: Set<[UInt8]> = []
        return members.allSatisfy { member in
            guard let mark = member.firstIndex(of: UInt8(ascii: "=")) else { return false }
            let (key, value) = (member[..<mark], member[(mark + 1)...])
            return isKey(key) && isValue(value) && keys.insert(Array(key)).inserted
        }
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text = text.dropLast() }
        return text
    }

    private static func isKey(_ key: ArraySlice<UInt8>) -> Bool {
        func isAlphabetic(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        guard let first = key.first, isAlphabetic(first) || isDigit(first), key.count <= 256 else { return false }
        return key.allSatisfy { isAlphabetic($0) || isDigit($0) || "_-*/@".utf8.contains($0) }
    }

    private static func isValue(_ value: ArraySlice<UInt8>) -> Bool {
        (1...256).contains(value.count)
            && value.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
    }
}
