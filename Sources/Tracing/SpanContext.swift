/// What of a span goes to other programs, by which their spans become its children: a `traceparent`.
/// https://www.w3.org/TR/trace-context/#traceparent-header
package struct SpanContext: Hashable, Sendable {
    package var traceID: TraceID
    package var spanID: SpanID
    /// The caller records the trace; whoever follows it does as well.
    package var isSampled: Bool
    /// The trace id is random to its end, as whoever began the trace says. It is passed on as it came.
    /// https://www.w3.org/TR/trace-context-2/#random-trace-id-flag
    package var isRandom: Bool
    /// It came with a message, from another program or another life of this one.
    package var isRemote: Bool

    package init(
        traceID: TraceID, spanID: SpanID, isSampled: Bool, isRandom: Bool = false, isRemote: Bool = false
    ) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.isRandom = isRandom
        self.isRemote = isRemote
    }

    /// The context of a trace that begins here.
    package static func root(isSampled: Bool, traceID: TraceID = .random()) -> SpanContext {
        SpanContext(traceID: traceID, spanID: .random(), isSampled: isSampled)
    }

    /// The context of another span of the same trace, made here.
    package func child() -> SpanContext {
        SpanContext(traceID: traceID, spanID: .random(), isSampled: isSampled, isRandom: isRandom)
    }

    private static let sampled: UInt64 = 1
    private static let random: UInt64 = 2

    /// Reads a `traceparent` of any version by what version 00 has of it; nil if it is none.
    package init?(traceparent: String) {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[1].utf8.count == 32, parts[2].utf8.count == 16,
            parts[3].utf8.count == 2, let high = Hexadecimal.word(parts[1].prefix(16).utf8),
            let low = Hexadecimal.word(parts[1].dropFirst(16).utf8), let span = Hexadecimal.word(parts[2].utf8),
            let flags = Hexadecimal.word(parts[3].utf8), high != 0 || low != 0, span != 0
        else { return nil }
        self.init(
            traceID: TraceID(high: high, low: low), spanID: SpanID(bits: span), isSampled: flags & Self.sampled != 0,
            isRandom: flags & Self.random != 0, isRemote: true)
    }

    /// The flags of W3C: the low byte of OTLP's.
    package var flags: UInt64 { (isSampled ? Self.sampled : 0) | (isRandom ? Self.random : 0) }

    package var traceparent: String {
        "00-\(traceID.hexadecimal)-\(spanID.hexadecimal)-0\(flags)"
    }
}
