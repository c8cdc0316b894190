extension LogLine {
    /// Who says it, where several programs write to one journal.
    static let identifier = "leave-albumd"

    /// `NAME=value` each, as sd_journal_sendv takes them. A value is framed by its length, so nothing in it makes
    /// another field.
    ///
    /// MESSAGE holds the fields as well, because `journalctl` shows nothing else unless it is asked to.
    /// https://www.freedesktop.org/software/systemd/man/latest/systemd.journal-fields.html
    func journalFields(hashesAccounts: Bool) -> [[UInt8]] {
        let rendered = RenderedLine(self, hashesAccounts: hashesAccounts)
        var entries = [
            Self.entry("MESSAGE", sentence(hashesAccounts: hashesAccounts)),
            Self.entry("PRIORITY", String(level.priority)), Self.entry("SYSLOG_IDENTIFIER", Self.identifier),
            Self.entry("CODE_FILE", location.file), Self.entry("CODE_LINE", String(location.line)),
            Self.entry("CODE_FUNC", location.function),
        ]
        for field in rendered.fields { entries.append(Self.entry(Self.journalName(of: field.name), field.text)) }
        return entries
    }

    private static func entry(_ name: String, _ value: String) -> [UInt8] {
        Array(name.utf8) + [UInt8(ascii: "=")] + Array(value.utf8)
    }

    /// Names that operators search by have no prefix; the others must not be taken for somebody else's.
    private static func journalName(of name: String) -> String {
        switch name {
        case "job": "JOB_ID"
        case "account": "ACCOUNT"
        case "reason": "REASON"
        case "attempt", "attempts": "ATTEMPT"
        case "trace_id": "TRACE_ID"
        case "outcome": "OUTCOME"
        case "cause": "CAUSE"
        case "verdict": "VERDICT"
        default: "LEAVE_ALBUM_" + String(decoding: name.utf8.map(upperCased), as: UTF8.self)
        }
    }

    /// The journal takes A–Z, 0–9 and the underscore.
    private static func upperCased(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 0x20
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
        default: UInt8(ascii: "_")
        }
    }
}
