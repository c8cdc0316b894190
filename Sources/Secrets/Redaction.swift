/// Takes secrets out of text that others wrote.
public enum Redaction {
    /// What stands where a secret was.
    static let mark = Array("<redacted>".utf8)
    /// A piece of a secret this long is taken for the secret: whoever echoes one may cut it short. Shorter ones occur
    /// in ordinary words.
    static let shortestPiece = 12

    /// `text` without any of `secrets`, whole or begun: each place where a secret, or its first 12 bytes or more,
    /// stands becomes `<redacted>`.
    public static func replacing(_ secrets: [[UInt8]], in text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            let hidden = secrets.reduce(0) { max($0, hiddenLength(of: $1, in: text[index...])) }
            if hidden > 0 {
                result.append(contentsOf: mark)
                index += hidden
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    /// `text` with every word in it that could be a token made `<redacted>`: 20 or more letters, digits and marks that
    /// tokens are written with, in a row. For words of programs whose secrets nobody knows here.
    public static func hidingOpaqueText(_ text: [UInt8]) -> [UInt8] {
        hidingOpaqueText(text) { $0.count >= shortestOpaque }
    }

    /// The same for words that `isSecret` says are.
    public static func hidingOpaqueText(_ text: [UInt8], where isSecret: (ArraySlice<UInt8>) -> Bool) -> [UInt8] {
        text.split(omittingEmptySubsequences: false) { !isOpaque($0) }.reduce(into: [UInt8]()) { result, word in
            if word.startIndex > 0 { result.append(text[word.startIndex - 1]) }
            result += isSecret(word) ? mark[...] : word
        }
    }

    public static func hidingOpaqueText(_ text: String) -> String {
        String(decoding: hidingOpaqueText(Array(text.utf8)), as: UTF8.self)
    }

    /// A path or a sentence has no such word; access and refresh tokens are far longer.
    private static let shortestOpaque = 20

    private static func isOpaque(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "="):
            true
        default: false
        }
    }

    /// How many bytes at the front of `text` belong to `secret`.
    private static func hiddenLength(of secret: [UInt8], in text: ArraySlice<UInt8>) -> Int {
        let shared = zip(secret, text).prefix { $0 == $1 }.count
        return shared == secret.count || shared >= shortestPiece ? shared : 0
    }
}
