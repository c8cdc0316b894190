/// RFC 3986, section 2: what is not unreserved is escaped, so that any bytes make one path segment.
enum PercentEncoding {
    private static let digits = Array("0123456789ABCDEF".utf8)
    private static let unreserved = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        // "." and ".." alone would be taken for steps in the path, and removed by clients on the way.
        if bytes.allSatisfy({ $0 == UInt8(ascii: ".") }) { return bytes.flatMap(escape) }
        return bytes.flatMap { unreserved.contains($0) ? [$0] : escape($0) }
    }

    private static func escape(_ byte: UInt8) -> [UInt8] {
        [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}
