import CCrypto

/// SHA-256 of data that comes in pieces and is not kept. For one owner.
public final class SHA256Hasher {
    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, SHA256Digest.algorithm, nil) == 1 else {
            preconditionFailure("libcrypto always has SHA-256, and fails here only without memory")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    public func update(_ piece: UnsafeRawBufferPointer) {
        EVP_DigestUpdate(context, piece.baseAddress, piece.count)
    }

    /// The digest of all pieces. Once, at the end.
    public func finish() -> SHA256Digest {
        var bytes = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(context, &bytes, nil)
        guard let digest = SHA256Digest(bytes: bytes) else { preconditionFailure("SHA-256 has 32 bytes") }
        return digest
    }
}
