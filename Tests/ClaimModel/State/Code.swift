/// A state in 128 bits, written and read from the lowest up.
struct Code: Hashable {
    private(set) var low: UInt64 = 0
    private(set) var high: UInt64 = 0
    private var used: UInt64 = 0

    init() {}

    init(low: UInt64, high: UInt64) {
        (self.low, self.high) = (low, high)
    }

    static func < (one: Code, other: Code) -> Bool { (one.high, one.low) < (other.high, other.low) }

    /// Ends writing, or begins reading.
    mutating func rewind() { used = 0 }

    @inline(__always)
    mutating func put(_ value: UInt8, _ bits: UInt64) {
        precondition(value < 1 << bits && used + bits <= 128, "a state does not fit its code")
        let value = UInt64(value)
        if used < 64 {
            low |= value << used
            if used + bits > 64 { high |= value >> (64 - used) }
        } else {
            high |= value << (used - 64)
        }
        used += bits
    }

    @inline(__always)
    mutating func put(_ flag: Bool) { put(flag ? 1 : 0, 1) }

    @inline(__always)
    mutating func takeByte(_ bits: UInt64) -> UInt8 {
        var value: UInt64
        if used < 64 {
            value = low >> used
            if used + bits > 64 { value |= high << (64 - used) }
        } else {
            value = high >> (used - 64)
        }
        used += bits
        return UInt8(value & (1 << bits - 1))
    }

    @inline(__always)
    mutating func takeBool() -> Bool { takeByte(1) == 1 }

    @inline(__always)
    mutating func take<Value: RawRepresentable<UInt8>>(_ bits: UInt64) -> Value {
        guard let value = Value(rawValue: takeByte(bits)) else {
            preconditionFailure("a state is read otherwise than it was written")
        }
        return value
    }
}
