import Clocks
import Glibc
import JSON

/// How a line looks.
package enum LogFormat: String, Sendable {
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
    package func text(hashesAccounts: Bool, showsCode: Bool = false) -> String {
        let code = showsCode ? " code=\(location.file):\(location.line)" : ""
        return "\(time.rfc3339) \(level.rawValue) \(sentence(hashesAccounts: hashesAccounts))\(code)"
    }

    /// One JSON object without an end. `showsCode` adds where it was said.
    package func json(hashesAccounts: Bool, showsCode: Bool = false) -> String {
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

extension LogFormat {
    /// The journal's where standard error is connected to it, else text on a terminal, else JSON.
    package static func automatic() -> LogFormat {
        var status = stat()
        let isKnown = fstat(STDERR_FILENO, &status) == 0
        return automatic(
            journalStream: getenv("JOURNAL_STREAM").map { String(cString: $0) },
            standardError: isKnown ? "\(status.st_dev):\(status.st_ino)" : nil,
            isTerminal: isatty(STDERR_FILENO) == 1)
    }

    /// `journalStream` is what systemd sets, `device:inode` of the stream it made; `standardError` is the same of
    /// where standard error goes now. A program that redirects it inherits the variable, but not the stream
    /// (systemd.exec(5), `$JOURNAL_STREAM`).
    static func automatic(journalStream: String?, standardError: String?, isTerminal: Bool) -> LogFormat {
        if let journalStream, journalStream == standardError { return .journal }
        return isTerminal ? .text : .json
    }
}
