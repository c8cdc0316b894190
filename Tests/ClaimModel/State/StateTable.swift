/// Every state that was met, by number; open addressing, for there are millions.
struct StateTable {
    /// Low and high half side by side: what a search costs is memory that is not in a cache.
    private var codes: [SIMD2<UInt64>] = []
    /// A state's number and one more; 0 is free. The length is a power of two.
    private var slots = [UInt32](repeating: 0, count: 1 << 16)

    var count: Int { codes.count }

    subscript(number: Int) -> Code { Code(low: codes[number].x, high: codes[number].y) }

    /// The number of a state, and whether it is new.
    mutating func insert(_ code: Code) -> (number: Int, isNew: Bool) {
        if count * 2 >= slots.count { grow() }
        let code = SIMD2(code.low, code.high)
        var slot = Self.hash(code) & (slots.count - 1)
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if codes[number] == code { return (number, false) }
            slot = (slot + 1) & (slots.count - 1)
        }
        codes.append(code)
        slots[slot] = UInt32(count)
        return (count - 1, true)
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for number in 0..<count {
            var slot = Self.hash(codes[number]) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(number + 1)
        }
    }

    /// https://xorshift.di.unimi.it/splitmix64.c
    private static func hash(_ code: SIMD2<UInt64>) -> Int {
        var mixed = code.x ^ (code.y &* 0x9e37_79b9_7f4a_7c15)
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int(truncatingIfNeeded: (mixed ^ (mixed >> 31)) >> 1)
    }
}
