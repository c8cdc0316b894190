/// A name that is its UTF-8 bytes and nothing else.
///
/// Swift's String compares by canonical equivalence: "é" composed equals "é" decomposed. As a key that would hand one
/// user's token to another, so identities hold bytes, and hash and compare as bytes.
public protocol Identity: Hashable, Sendable, CustomStringConvertible {
    /// Valid UTF-8.
    var utf8: [UInt8] { get }
    /// Takes the bytes as they are; whoever reads them from outside checks them first (`JobDecoder` does).
    init(utf8: [UInt8])
}

extension Identity {
    public init(_ string: String) {
        self.init(utf8: Array(string.utf8))
    }

    /// For people and for JSON. Never a key.
    public var string: String { String(decoding: utf8, as: UTF8.self) }
    public var description: String { string }

    /// All bytes at once; an array would feed them one by one.
    public func hash(into hasher: inout Hasher) {
        utf8.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

/// The idempotency key of a job: 1–128 of `A–Z a–z 0–9 . _ : / -`.
public struct JobID: Identity {
    public let utf8: [UInt8]
    public init(utf8: [UInt8]) { self.utf8 = utf8 }
}

/// The opaque key under which a user's credentials are found: 1–256 bytes without control characters.
public struct AccountID: Identity {
    public let utf8: [UInt8]
    public init(utf8: [UInt8]) { self.utf8 = utf8 }
}
