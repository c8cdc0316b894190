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
    /// `2026-11-24T12:00:00.000Z warning link lost link=consume`, without an end. `showsCode` adds where it was said.
    public func text(hashesAccounts: Bool, showsCode: Bool = false) -> String {
        let code = showsCode ? " code=\(location.file):\(location.line)" : ""
        return "\(time.rfc3339) \(level.rawValue) \(sentence(hashesAccounts: hashesAccounts))\(code)"
    }

    /// One JSON object without an end. `showsCode` adds where it was said.
    public func json(hashesAccounts: Bool, showsCode: Bool = false) -> String {
        let rendered = RenderedLine(self, hashesAccounts: hashesAccounts)
        var members = ["\"time\":\"\(time.rfc3339)\"", "\"level\":\"\(level.rawValue)\""]
        members.append("\"message\":\(Self.string(rendered.message))")
        for field in rendered.fields {
            members.append("\(Self.string(field.name)):\(field.isNumber ? field.text : Self.string(field.text))")
        }
        if showsCode {
            members.append("\"code\":\(Self.string("\(location.file):\(location.line) \(location.function)"))")
        }
        return "{\(members.joined(separator: ","))}"
    }

    /// The message and its fields, for people.
    func sentence(hashesAccounts: Bool) -> String {
        let rendered = RenderedLine(self, hashesAccounts: hashesAccounts)
        return rendered.message + rendered.fields.map { " \($0.name)=\(Self.quoted($0.text))" }.joined()
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3d && $0 != 0x7f }
        return isPlain ? text : string(text)
    }

    /// `text` has no control characters any more.
    private static func string(_ text: String) -> String {
        var escaped = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { escaped.unicodeScalars.append("\\") }
            escaped.unicodeScalars.append(scalar)
        }
        return escaped + "\""
    }
}
