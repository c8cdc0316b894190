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

    /// How many bytes at the front of `text` belong to `secret`.
    private static func hiddenLength(of secret: [UInt8], in text: ArraySlice<UInt8>) -> Int {
        let shared = zip(secret, text).prefix { $0 == $1 }.count
        return shared == secret.count || shared >= shortestPiece ? shared : 0
    }
}
