import CCrypto

/// The SHA-256 of some bytes.
public struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    /// Always 32.
    public let bytes: [UInt8]

    // Found once: with EVP_sha256() libcrypto would look for an implementation at each digest. Never changed or freed,
    // so that any thread may use it.
    nonisolated(unsafe) static let algorithm: OpaquePointer = {
        guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else {
            preconditionFailure("libcrypto always has SHA-256")
        }
        return algorithm
    }()

    public init(of data: UnsafeRawBufferPointer) {
        var bytes = [UInt8](repeating: 0, count: 32)
        let done = EVP_Digest(data.baseAddress, data.count, &bytes, nil, Self.algorithm, nil)
        precondition(done == 1, "libcrypto always has SHA-256")
        self.bytes = bytes
    }

    public init(of data: [UInt8]) {
        self = data.withUnsafeBytes { SHA256Digest(of: $0) }
    }

    /// A digest that was stored. Nil unless there are 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// 64 lower-case hexadecimal digits.
    public var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    public var description: String { hexadecimal }
}
