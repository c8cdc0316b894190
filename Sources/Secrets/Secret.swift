import CCrypto

/// Bytes that must not be seen: they print as `<redacted>` and are overwritten when the last reference goes.
///
/// The type owns its copy. Copies that a C library makes of them (curl's request buffer, OpenSSL's) are out of reach.
public struct Secret: Sendable {
    // A class, so that all copies of the struct share one buffer with one end.
    private final class Storage: Sendable {
        // Written once, in init, and never again until deinit, so that any thread may read it.
        nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

        init(_ source: UnsafeRawBufferPointer) {
            bytes = .allocate(byteCount: source.count, alignment: 1)
            bytes.copyMemory(from: source)
        }

        deinit {
            // Unlike memset, this is never optimised away.
            OPENSSL_cleanse(bytes.baseAddress, bytes.count)
            bytes.deallocate()
        }
    }

    private let storage: Storage

    /// Copies `bytes`; the caller overwrites its own copy if it can.
    public init(copying bytes: UnsafeRawBufferPointer) {
        storage = Storage(bytes)
    }

    public init(copying bytes: [UInt8]) {
        storage = bytes.withUnsafeBytes { Storage($0) }
    }

    public var count: Int { storage.bytes.count }
    public var isEmpty: Bool { storage.bytes.isEmpty }

    /// Lends the bytes for the time of the call. They must not be kept.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(storage.bytes))
    }

    /// What may be stored and compared instead of the secret.
    public var sha256: SHA256Digest {
        SHA256Digest(of: UnsafeRawBufferPointer(storage.bytes))
    }
}

extension Secret: Equatable {
    /// Takes the same time wherever two secrets of one length differ.
    public static func == (left: Self, right: Self) -> Bool {
        left.count == right.count
            && CRYPTO_memcmp(left.storage.bytes.baseAddress, right.storage.bytes.baseAddress, left.count) == 0
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "<redacted>" }
    public var debugDescription: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
