/// google.protobuf.Duration as proto3's JSON mapping writes it: `3s`, `1.500s`.
enum ProtobufDuration {
    /// The format's own limit, about 10,000 years.
    private static let longest: Int64 = 315_576_000_000

    /// Nil for anything else, negative durations included: they ask for no wait.
    static func parse(_ text: String) -> Duration? {
        guard text.hasSuffix("s") else { return nil }
        let halves = text.dropLast().utf8.split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = halves.first, isDigits(whole), let seconds = Int64(String(decoding: whole, as: UTF8.self)),
            seconds <= longest
        else { return nil }
        guard halves.count == 2 else { return .seconds(seconds) }
        let fraction = halves[1]
        guard isDigits(fraction), fraction.count <= 9 else { return nil }
        let nanoseconds = fraction.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        let scale = (fraction.count..<9).reduce(Int64(1)) { scale, _ in scale * 10 }
        return .seconds(seconds) + .nanoseconds(nanoseconds * scale)
    }

    private static func isDigits(_ text: Substring.UTF8View) -> Bool {
        !text.isEmpty && text.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
