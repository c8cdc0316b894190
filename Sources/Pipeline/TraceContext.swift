/// What travels on from the job's message to the call and the result.
public struct TraceContext: Equatable, Sendable {
    public var correlationID: String?
    /// W3C Trace Context.
    public var traceparent: String?
    public var tracestate: String?

    public init(correlationID: String? = nil, traceparent: String? = nil, tracestate: String? = nil) {
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.tracestate = tracestate
    }

    /// The trace's 32 hexadecimal digits, by which logs of several programs are found together; nil without a
    /// traceparent that is as https://www.w3.org/TR/trace-context/#traceparent-header wants it.
    public var traceID: String? {
        guard let parts = traceparent?.split(separator: "-", omittingEmptySubsequences: false), parts.count >= 4,
            parts[0] != "ff", parts[0] != "00" || parts.count == 4
        else { return nil }
        let widths = [2, 32, 16, 2]
        for (part, width) in zip(parts, widths) {
            guard part.utf8.count == width, part.utf8.allSatisfy(Self.isLowercaseHexadecimal) else { return nil }
        }
        // Zeros alone say that there is none.
        guard parts[1...2].allSatisfy({ part in part.contains { $0 != "0" } }) else { return nil }
        return String(parts[1])
    }

    private static func isLowercaseHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
