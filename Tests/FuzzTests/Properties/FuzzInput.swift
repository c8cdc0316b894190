/// The bytes that a fuzzer made, taken from the front. It never ends: past the end there are zeros.
struct FuzzInput {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
    }

    var isAtEnd: Bool { bytes.isEmpty }

    mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

    mutating func flag() -> Bool { byte() & 1 == 1 }

    /// 0 to `limit` - 1.
    mutating func choice(of limit: Int) -> Int { Int(byte()) % limit }

    mutating func word() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

    mutating func longLong() -> UInt64 { (0..<8).reduce(0) { value, _ in value << 8 | UInt64(byte()) } }

    /// At most `limit` bytes, as many as the next byte says.
    mutating func run(atMost limit: Int) -> [UInt8] {
        let count = min(Int(byte()), limit, bytes.count)
        defer { bytes = bytes.dropFirst(count) }
        return Array(bytes.prefix(count))
    }

    mutating func text(atMost limit: Int) -> String { String(decoding: run(atMost: limit), as: UTF8.self) }

    /// Up to the next line feed, which goes, or all of it.
    mutating func line() -> [UInt8] {
        let line = Array(bytes.prefix { $0 != UInt8(ascii: "\n") })
        bytes = bytes.dropFirst(line.count + 1)
        return line
    }

    mutating func rest() -> [UInt8] {
        defer { bytes = [] }
        return Array(bytes)
    }
}
