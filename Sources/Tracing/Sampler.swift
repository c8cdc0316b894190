/// Which traces are recorded. https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampler
package struct Sampler: Hashable, Sendable {
    package enum Root: Hashable, Sendable {
        case always
        case never
        /// A share of all traces, from 0 to 1, the same traces in every program that samples so much or more.
        case ratio(Double)
    }

    package var root: Root
    /// Whoever began the trace has decided: `root` is for those that begin here.
    package var isParentBased: Bool

    package init(_ root: Root, isParentBased: Bool) {
        self.root = root
        self.isParentBased = isParentBased
    }

    package func samples(_ traceID: TraceID, parent: SpanContext?) -> Bool {
        if isParentBased, let parent { return parent.isSampled }
        switch root {
        case .always: return true
        case .never: return false
        case .ratio(let ratio): return Self.isWithin(ratio, traceID)
        }
    }

    /// The lowest seven bytes are random in every trace id, be it of eight or of sixteen bytes. They are compared with
    /// the threshold that rejects all others.
    /// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/#rejection-threshold-t
    private static let randomBits: UInt64 = 1 << 56

    private static func isWithin(_ ratio: Double, _ traceID: TraceID) -> Bool {
        guard ratio > 0 else { return false }
        guard ratio < 1 else { return true }
        // Compared as integers: fifty-six bits are more than a floating-point number holds.
        return traceID.low & (randomBits - 1) >= UInt64((Double(randomBits) * (1 - ratio)).rounded())
    }
}
