/// What all spans of a trace share: 16 random bytes, never all zero.
package struct TraceID: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random() -> TraceID {
        // Zeros alone say that there is no trace.
        TraceID(high: .random(in: .min ... .max), low: .random(in: 1 ... .max))
    }

    /// 32 hexadecimal digits, as they stand in `traceparent` and in OTLP's JSON.
    package var hexadecimal: String { Hexadecimal.text(of: [high, low]) }
}

/// What tells a span from the others of its trace: 8 random bytes, never all zero.
package struct SpanID: Hashable, Sendable {
    package let bits: UInt64

    package init(bits: UInt64) {
        self.bits = bits
    }

    package static func random() -> SpanID { SpanID(bits: .random(in: 1 ... .max)) }

    /// 16 hexadecimal digits.
    package var hexadecimal: String { Hexadecimal.text(of: [bits]) }
}

/// Lower-case hexadecimal digits, which is how W3C and OTLP write identifiers.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(of parts: [UInt64]) -> String {
        String(unsafeUninitializedCapacity: 16 * parts.count) { buffer in
            for (index, word) in parts.enumerated() {
                for digit in 0..<16 {
                    buffer[16 * index + digit] = digits[Int(truncatingIfNeeded: word >> UInt64(60 - 4 * digit)) & 15]
                }
            }
            return 16 * parts.count
        }
    }

    /// Nil if there is anything else than one to sixteen digits.
    static func word(_ text: Substring.UTF8View) -> UInt64? {
        guard (1...16).contains(text.count) else { return nil }
        var word: UInt64 = 0
        for byte in text {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            word = word << 4 | UInt64(digit)
        }
        return word
    }
}
