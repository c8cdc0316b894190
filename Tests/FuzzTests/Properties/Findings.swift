/// What a property found wrong with one input: sentences, none if it holds.
struct Findings {
    private(set) var sentences: [String] = []

    mutating func expect(_ isSo: Bool, _ sentence: @autoclosure () -> String) {
        if !isSo { sentences.append(sentence()) }
    }

    /// Text that people or other programs read: some, of at most `limit` bytes, without control characters or secrets.
    mutating func expectClean(_ text: String, limit: Int = 512, hiding secrets: [[UInt8]] = [], _ what: String) {
        expect(!text.isEmpty, "\(what) is empty")
        expect(text.utf8.count <= limit, "\(what) has \(text.utf8.count) bytes")
        expect(!text.unicodeScalars.contains { Self.isControl($0.value) }, "\(what) has a control character: \(text)")
        for secret in secrets where !secret.isEmpty {
            expect(!Array(text.utf8).contains(secret), "\(what) has a secret in it: \(text)")
        }
    }

    /// Apart from the daemon's own list, so that a gap in that one is seen.
    private static func isControl(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0x061C: true
        default: false
        }
    }
}
