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
        message = Self.printable(line.message)
        fields = line.fields.map { field in
            switch field.value {
            case .text(let text): Field(name: field.name, text: Self.printable(text), isNumber: false)
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

    /// Controls, separators of lines and marks of direction become spaces: a value stays in its line, and a terminal
    /// shows it as it is.
    private static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: \.isControl) else { return text }
        var printable = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { printable.append(scalar.isControl ? " " : scalar) }
        return String(printable)
    }
}
