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
            return "\(Self.time(time)) \(level.rawValue) \(Self.oneLine(message))\(tail)"
        case .json:
            var members = ["\"time\":\"\(Self.time(time))\"", "\"level\":\"\(level.rawValue)\""]
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

    /// RFC 3339 in UTC with milliseconds.
    private static func time(_ time: Timestamp) -> String {
        let days = time.milliseconds / 86_400_000
        let rest = time.milliseconds % 86_400_000
        // Days to a civil date, by the 400-year cycle of the Gregorian calendar counted from March.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(rest / 3_600_000, 2)):"
            + "\(padded(rest / 60_000 % 60, 2)):\(padded(rest / 1000 % 60, 2)).\(padded(rest % 1000, 3))Z"
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
