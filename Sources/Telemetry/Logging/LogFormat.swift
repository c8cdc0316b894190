import JSON
import Threads

/// How a line looks.
public enum LogFormat: String, Sendable {
    /// For people: time, level, message, `name=value`.
    case text
    /// One object a line.
    case json
    /// Fields of the systemd journal; see `LogLine.journalFields`.
    case journal
}

extension LogLine {
    /// Of a line of JSON with a few fields, in bytes; a longer one grows.
    private static let usualSize = 256

    /// `2026-11-24T12:00:00.000Z warning link lost link=consume`, without an end. `showsCode` adds where it was said.
    public func text(hashesAccounts: Bool, showsCode: Bool = false) -> String {
        let code = showsCode ? " code=\(location.file):\(location.line)" : ""
        return "\(time.rfc3339) \(level.rawValue) \(sentence(hashesAccounts: hashesAccounts))\(code)"
    }

    /// One JSON object without an end. `showsCode` adds where it was said.
    public func json(hashesAccounts: Bool, showsCode: Bool = false) -> String {
        let rendered = RenderedLine(self, hashesAccounts: hashesAccounts)
        var text = JSONText(capacity: Self.usualSize)
        text.begin(.object)
        text.member("time", time.rfc3339)
        text.member("level", level.rawValue)
        text.member("message", rendered.message)
        for field in rendered.fields {
            text.name(Array(field.name.utf8))
            if field.isNumber { text.word(field.text) } else { text.string(field.text) }
        }
        if showsCode { text.member("code", "\(location.file):\(location.line) \(location.function)") }
        text.end(.object)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    /// The message and its fields, for people.
    func sentence(hashesAccounts: Bool) -> String {
        let rendered = RenderedLine(self, hashesAccounts: hashesAccounts)
        return rendered.message + rendered.fields.map { " \($0.name)=\(Self.quoted($0.text))" }.joined()
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3d && $0 != 0x7f }
        return isPlain ? text : JSONText.quoted(text)
    }
}
