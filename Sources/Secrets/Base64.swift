import CSodium

/// RFC 4648, by libsodium: in a time that does not depend on what the bytes are.
public enum Base64 {
    public enum Alphabet: Sendable {
        /// Section 4, padded.
        case standard
        /// Section 5, without padding.
        case url

        fileprivate var variant: Int32 {
            switch self {
            case .standard: sodium_base64_VARIANT_ORIGINAL
            case .url: sodium_base64_VARIANT_URLSAFE_NO_PADDING
            }
        }
    }

    public static func encoded(_ bytes: [UInt8], _ alphabet: Alphabet = .standard) -> String {
        // With the NUL at the end.
        let capacity = sodium_base64_encoded_len(bytes.count, alphabet.variant)
        return String(unsafeUninitializedCapacity: capacity) { text in
            text.withMemoryRebound(to: CChar.self) { text in
                guard let start = text.baseAddress else { return }
                sodium_bin2base64(start, capacity, bytes, bytes.count, alphabet.variant)
            }
            return capacity - 1
        }
    }

    /// Nil for what is no Base64.
    public static func decoded(_ text: String, _ alphabet: Alphabet = .standard) -> [UInt8]? {
        let characters = text.utf8.map { CChar(bitPattern: $0) }
        var bytes = [UInt8](repeating: 0, count: characters.count)
        var count = 0
        guard
            sodium_base642bin(
                &bytes, bytes.count, characters, characters.count, nil, &count, nil, alphabet.variant) == 0
        else { return nil }
        return Array(bytes.prefix(count))
    }
}
