import Secrets
public import Threads

/// How a line looks.
public enum LogFormat: String, Sendable {
    case text
    case json

    /// One line without its end.
    public func line(
        _ level: LogLevel, _ message: String, _ fields: [LogField], at time: Timestamp, hashesAccounts: Bool
    ) -> String {
        let rendered = fields.map { ($0.name, Self.render($0.value, hashesAccounts)) }
        switch self {
        case .text:
            let tail = rendered.map { " \($0.0)=\(Self.quoted($0.1.text))" }.joined()
            return "\(time.rfc3339) \(level.rawValue) \(Self.oneLine(message))\(tail)"
        case .json:
            var members = ["\"time\":\"\(time.rfc3339)\"", "\"level\":\"\(level.rawValue)\""]
            members.append("\"message\":\(Self.string(message))")
            for (name, value) in rendered {
                members.append("\(Self.string(name)):\(value.isNumber ? value.text : Self.string(value.text))")
            }
            return "{\(members.joined(separator: ","))}"
        }
    }

    private static func render(_ value: LogField.Value, _ hashesAccounts: Bool) -> (text: String, isNumber: Bool) {
        switch value {
        case .text(let text): (text, false)
        case .integer(let number): (String(number), true)
        case .seconds(let seconds): (String(seconds), true)
        case .account(let bytes):
            // Twelve digits tell accounts apart in a log and give none of them away.
            hashesAccounts
                ? ("sha256:" + SHA256Digest(of: bytes).hexadecimal.prefix(12), false)
                : (String(decoding: bytes, as: UTF8.self), false)
        }
    }

    private static func oneLine(_ text: String) -> String {
        String(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0) })
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3d && $0 != 0x7f }
        return isPlain ? text : string(text)
    }

    private static func string(_ text: String) -> String {
        var escaped = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7f {
                    let digits = String(scalar.value, radix: 16)
                    escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    escaped.unicodeScalars.append(scalar)
                }
            }
        }
        return escaped + "\""
    }
}
