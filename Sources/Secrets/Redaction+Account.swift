extension Redaction {
    /// Shorter ones are words of every sentence.
    private static let shortestAccount = 4

    /// `text` with `<account>` wherever the account stands as a word of its own: others' words name it, and where the
    /// log hashes accounts, its sentences must not hold what its fields do not.
    public static func hidingAccount(_ account: [UInt8], in text: String) -> String {
        guard account.count >= shortestAccount else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let end = index + account.count
            if end <= bytes.count, bytes[index..<end].elementsEqual(account),
                index == 0 || !isOfWord(bytes[index - 1]), end == bytes.count || !isOfWord(bytes[end])
            {
                result += "<account>".utf8
                index = end
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Every byte of a letter beyond ASCII counts as one.
    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...:
            true
        default: false
        }
    }
}
