import JSON

/// What is known to be a password or an account by where it stands.
extension Scrubber {
    /// `scheme://user:password@host` with its password masked, wherever it stands.
    static func withoutPasswords(_ text: [UInt8]) -> [UInt8] {
        let scheme = Array("://".utf8)
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            guard text[index...].starts(with: scheme) else {
                result.append(text[index])
                index += 1
                continue
            }
            let authority = text[(index + scheme.count)...].prefix { !endsAuthority($0) }
            result += scheme
            index = authority.endIndex
            if let at = authority.lastIndex(of: UInt8(ascii: "@")),
                let colon = authority[..<at].firstIndex(of: UInt8(ascii: ":"))
            {
                result += authority[...colon] + Array("***".utf8) + authority[at...]
            } else {
                result += authority
            }
        }
        return result
    }

    private static func endsAuthority(_ byte: UInt8) -> Bool {
        byte <= 0x20 || [UInt8(ascii: "/"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: ",")].contains(byte)
    }

    /// A log line's ` account=anna`, or ` account="anna b"`, with the account hashed.
    static func withoutAccountFields(_ text: [UInt8]) -> [UInt8] {
        let field = Array("account=".utf8)
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            let begins = index == 0 || text[index - 1] <= 0x20
            guard begins, text[index...].starts(with: field) else {
                result.append(text[index])
                index += 1
                continue
            }
            let start = index + field.count
            let (value, end) = value(at: start, of: text)
            result +=
                field
                + Array(
                    (value.isEmpty || value.starts(with: "sha256:".utf8) ? nil : hashed(value)).map { Array($0.utf8) }
                        ?? value)
            index = end
        }
        return result
    }

    /// The field's value without its quotes and escapes, and where it ends.
    private static func value(at start: Int, of text: [UInt8]) -> ([UInt8], Int) {
        let rest = text[start...]
        guard rest.first == UInt8(ascii: "\"") else {
            let plain = rest.prefix { $0 > 0x20 }
            return (Array(plain), plain.endIndex)
        }
        var end = start + 1
        while end < text.count, text[end] != UInt8(ascii: "\"") {
            end += text[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        end = min(end + 1, text.count)
        let quoted = Array(text[start..<end])
        return ((try? JSONValue.parse(quoted))?.utf8 ?? quoted, end)
    }
}
