import CSodium

/// A key that seals small secrets: XChaCha20-Poly1305, https://doc.libsodium.org/secret-key_cryptography/aead.
public struct SealingKey: Sendable {
    /// Of the key, in bytes.
    public static let size = Int(crypto_aead_xchacha20poly1305_ietf_KEYBYTES)
    private static let nonceSize = Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
    private static let tagSize = Int(crypto_aead_xchacha20poly1305_ietf_ABYTES)
    // Once in the process; it may be called again and from any thread.
    private static let initialised = sodium_init()

    private let key: Secret

    /// 32 bytes, or 64 hexadecimal digits and perhaps a line's end. Nil for anything else.
    public init?(_ contents: Secret) {
        precondition(Self.initialised >= 0, "libsodium cannot start without randomness")
        if contents.count == Self.size {
            key = contents
            return
        }
        let bytes: [UInt8]? = contents.withUnsafeBytes { text in
            var digits = text[...]
            while let last = digits.last, [0x0a, 0x0d, 0x20].contains(last) { digits = digits.dropLast() }
            guard digits.count == Self.size * 2 else { return nil }
            var bytes: [UInt8] = []
            for index in stride(from: digits.startIndex, to: digits.endIndex, by: 2) {
                guard let high = Self.nibble(digits[index]), let low = Self.nibble(digits[index + 1]) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            }
            return bytes
        }
        guard var bytes else { return nil }
        key = Secret(copying: bytes)
        sodium_memzero(&bytes, bytes.count)
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// A new key, as a file would hold it.
    public static func generate() -> Secret {
        precondition(initialised >= 0, "libsodium cannot start without randomness")
        var bytes = [UInt8](repeating: 0, count: size)
        randombytes_buf(&bytes, bytes.count)
        defer { sodium_memzero(&bytes, bytes.count) }
        return Secret(copying: bytes)
    }

    /// Nonce, text and tag. `context` is not in it, and must be the same to open it.
    public func seal(_ secret: Secret, context: [UInt8]) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: Self.nonceSize)
        randombytes_buf(&nonce, nonce.count)
        var sealed = [UInt8](repeating: 0, count: secret.count + Self.tagSize)
        var length: UInt64 = 0
        let code = key.withUnsafeBytes { key in
            secret.withUnsafeBytes { secret in
                guard let key = key.bindMemory(to: UInt8.self).baseAddress else { return Int32(-1) }
                return crypto_aead_xchacha20poly1305_ietf_encrypt(
                    &sealed, &length, secret.bindMemory(to: UInt8.self).baseAddress, UInt64(secret.count), context,
                    UInt64(context.count), nil, nonce, key)
            }
        }
        precondition(code == 0, "libsodium seals whatever it is given")
        return nonce + sealed
    }

    /// Nil if it was sealed with another key or context, or was changed since.
    public func open(_ sealed: [UInt8], context: [UInt8]) -> Secret? {
        guard sealed.count >= Self.nonceSize + Self.tagSize else { return nil }
        var opened = [UInt8](repeating: 0, count: sealed.count - Self.nonceSize - Self.tagSize)
        defer { sodium_memzero(&opened, opened.count) }
        let text = Array(sealed[Self.nonceSize...])
        let code = key.withUnsafeBytes { key in
            guard let key = key.bindMemory(to: UInt8.self).baseAddress else { return Int32(-1) }
            return crypto_aead_xchacha20poly1305_ietf_decrypt(
                &opened, nil, nil, text, UInt64(text.count), context, UInt64(context.count), sealed, key)
        }
        return code == 0 ? Secret(copying: opened) : nil
    }
}
