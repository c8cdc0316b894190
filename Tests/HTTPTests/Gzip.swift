/// A body as a server compresses it.
enum Gzip {
    /// How many characters `0` the compressed body stands for.
    static let zerosCount = 50_000
    static let zeros: [UInt8] = bytes(
        """
        1f8b0800000000000203edc1010d000000c2a04aef9fce1e0e2800000000000000000000000000000000000000000000
        00000000000000000000000000000000000000000000000000009e0c7c09bde150c30000
        """)

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.utf8.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
