import CLinux
import Glibc
import Jobs
import Secrets

extension SettingForm where Value == String {
    /// Any string of so many bytes without control characters.
    static func name(_ noun: String, upTo bytes: Int = SettingRange.shortStringBytes) -> Self {
        .text("\(noun), 1 to \(bytes) bytes without control characters", write: { $0 }) { text in
            (1...bytes).contains(text.utf8.count) && !hasControlCharacter(text) ? text : nil
        }
    }

    static var prefix: Self {
        let range = SettingRange.prefixBytes
        let allowed = """
            \(range.lowerBound) to \(range.upperBound) of A-Z a-z 0-9 . _ - and not beginning with "amq.", which the \
            broker keeps for itself
            """
        return .text(allowed, write: { $0 }) { text in
            let isPlain = text.utf8.allSatisfy { byte in
                let character = Character(UnicodeScalar(byte))
                return character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
            }
            return isPlain && range.contains(text.utf8.count) && !text.hasPrefix("amq.") ? text : nil
        }
    }

    static var replyToPattern: Self {
        let allowed = "a queue's name, or the beginning of one with * at its end"
        return .text(allowed, write: { $0 }) { text in
            let hasStarWithin = text.dropLast().contains("*")
            let isShort = (1...SettingRange.shortStringBytes).contains(text.utf8.count)
            return isShort && !hasStarWithin && !hasControlCharacter(text) ? text : nil
        }
    }

    static func absolutePath(_ noun: String, upTo bytes: Int = Int(PATH_MAX) - 1) -> Self {
        .text("the absolute path of \(noun), at most \(bytes) bytes", write: { $0 }) { text in
            text.hasPrefix("/") && text.utf8.count <= bytes && !hasControlCharacter(text) ? text : nil
        }
    }

    /// A URL of one of the schemes; the result has no slash at its end.
    static func url(_ schemes: [String], mayHaveUser: Bool = false) -> Self {
        let names = schemes.map { "\($0)://" }.joined(separator: " or ")
        return .text("a URL that begins with \(names)", write: URIParts.masked) { (text) throws(MalformedText) in
            // A socket's path has no host before it.
            if schemes.contains("unix"), text.hasPrefix("unix:///") { return text }
            let parts = try URIParts(text)
            guard schemes.contains(parts.scheme) else {
                throw MalformedText(problem: "its scheme is another")
            }
            guard parts.userinfo == nil || mayHaveUser else {
                throw MalformedText(problem: "it holds a user or password, which this URL has no use for")
            }
            var url = text
            while url.hasSuffix("/") { url.removeLast() }
            return url
        }
    }

    /// A connection string of libpq. What it says is libpq's to judge.
    static var postgresURL: Self {
        let scheme = "postgresql://"
        return .text("a URL that begins with \(scheme)", write: URIParts.masked) { (text) throws(MalformedText) in
            guard text.hasPrefix(scheme) else { throw MalformedText(problem: "its scheme is another") }
            return text
        }
    }

    /// Where the system keeps its time zones.
    static var zoneDirectory: String { "/usr/share/zoneinfo" }

    /// A zone whose file exists: the C library silently takes UTC for a name that it does not know.
    static var zone: Self {
        .text("the name of a time zone below \(zoneDirectory)", write: { $0 }) { (text) throws(MalformedText) in
            let components = text.split(separator: "/", omittingEmptySubsequences: false)
            let isPlain = text.utf8.allSatisfy { byte in
                let character = Character(UnicodeScalar(byte))
                return character.isASCII && (character.isLetter || character.isNumber || "_+-/".contains(character))
            }
            guard isPlain, components.allSatisfy({ !$0.isEmpty }) else { return nil }
            guard isZoneFile("\(zoneDirectory)/\(text)") else {
                throw MalformedText(
                    problem: "\(tomlQuoted(text)) is no time zone of this system; zones come with the package tzdata")
            }
            return text
        }
    }

    private static func isZoneFile(_ path: String) -> Bool {
        let descriptor = CLinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var magic = [UInt8](repeating: 0, count: 4)
        return Glibc.read(descriptor, &magic, magic.count) == magic.count && magic == Array("TZif".utf8)
    }
}

extension SettingForm where Value == AccountID {
    static var account: Self {
        let range = AccountID.lengths
        let allowed = "an account, \(range.lowerBound) to \(range.upperBound) bytes without control characters"
        return .text(allowed, write: { $0.string }) { text in
            AccountID(checking: Array(text.utf8))
        }
    }
}

private func hasControlCharacter(_ text: String) -> Bool {
    text.unicodeScalars.contains(where: \.isControl)
}
