import Secrets

/// A line's message and values as text without control characters, with accounts as the settings want them.
struct RenderedLine {
    struct Field {
        var name: String
        var text: String
        var isNumber: Bool
    }

    let message: String
    let fields: [Field]

    init(_ line: LogLine, hashesAccounts: Bool) {
        var hidden: [(account: [UInt8], hash: String)] = []
        if hashesAccounts {
            for case .account(let bytes) in line.fields.map(\.value) { hidden.append((bytes, Self.hash(bytes))) }
        }
        func clean(_ text: String) -> String {
            let shown = hidden.reduce(text) { Self.replacing($1.account, with: $1.hash, in: $0) }
            return Self.printable(shown)
        }
        message = clean(line.message)
        fields = line.fields.map { field in
            switch field.value {
            case .text(let text): Field(name: field.name, text: clean(text), isNumber: false)
            case .integer(let number): Field(name: field.name, text: String(number), isNumber: true)
            case .seconds(let seconds): Field(name: field.name, text: String(seconds), isNumber: true)
            case .account(let bytes):
                Field(
                    name: field.name,
                    text: hashesAccounts ? Self.hash(bytes) : Self.printable(String(decoding: bytes, as: UTF8.self)),
                    isNumber: false)
            }
        }
    }

    /// Twelve digits tell accounts apart in a log. An account that can be guessed can be found by its hash.
    private static func hash(_ account: [UInt8]) -> String {
        "sha256:" + SHA256Digest(of: account).hexadecimal.prefix(12)
    }

    /// Others' words name the account too: the API's, or those of a credential program. Only as a word of its own,
    /// so that account "a" does not take a sentence apart.
    private static func replacing(_ account: [UInt8], with hash: String, in text: String) -> String {
        guard !account.isEmpty else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let end = index + account.count
            if end <= bytes.count, bytes[index] == account[0], bytes[index..<end].elementsEqual(account),
                index == 0 || !isOfWord(bytes[index - 1]), end == bytes.count || !isOfWord(bytes[end])
            {
                result += hash.utf8
                index = end
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...:
            true
        default: false
        }
    }

    /// Controls, separators of lines and marks of direction become spaces: a value stays in its line, and a terminal
    /// shows it as it is.
    private static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: changesItsSurroundings) else { return text }
        var printable = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { printable.append(changesItsSurroundings(scalar) ? " " : scalar) }
        return String(printable)
    }

    private static func changesItsSurroundings(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F, 0x2028...0x2029, 0x061C, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
