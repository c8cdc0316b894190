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

    /// A connection string of libpq, without a password. What else it says is libpq's to judge.
    static var postgresURL: Self {
        let scheme = "postgresql://"
        let allowed = "a URL that begins with \(scheme), without a password"
        return .text(allowed, write: URIParts.masked) { (text) throws(MalformedText) in
            guard text.hasPrefix(scheme) else { throw MalformedText(problem: "its scheme is another") }
            let rest = text.dropFirst(scheme.count)
            let authority = rest.prefix { $0 != "/" && $0 != "?" }
            let user = authority.lastIndex(of: "@").map { authority[..<$0] } ?? ""
            let query = rest.firstIndex(of: "?").map { rest[rest.index(after: $0)...] } ?? ""
            // Any keyword with the word in it: libpq has more than one.
            let keywords = query.split(separator: "&").map { $0.prefix { $0 != "=" } }
            let namesPassword = keywords.contains { keyword in
                URIParts.percentDecoded(keyword).map { $0.lowercased().contains("pass") } ?? true
            }
            guard !user.contains(":"), !namesPassword else {
                throw MalformedText(problem: "it holds a password, which belongs in the file of ledger.password_file")
            }
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

extension SettingForm where Value == BrokerURI {
    static var brokerURI: Self {
        .text("amqp:// or amqps://, then [user[:password]@]host[:port][/vhost]", write: \.description) {
            (text) throws(MalformedText) in
            try BrokerURI(parsing: text)
        }
    }
}

extension SettingForm where Value == ListenAddress {
    static var listenAddress: Self {
        .text("a numeric address and a port, such as \"127.0.0.1:9464\" or \"[::1]:9464\"", write: \.description) {
            ListenAddress($0)
        }
    }
}

extension SettingForm where Value == SecretFile {
    /// - Parameter key: the key's name, which the file carries for its own faults.
    static func file(key: String) -> Self {
        let allowed = "an absolute path, or the name of a file in $CREDENTIALS_DIRECTORY"
        return Self(allowed, isText: true) { (value, context) throws(SettingErrors) in
            guard case .string(let text) = value.content else { throw SettingErrors(value, "it is \(value.kindName)") }
            guard !text.isEmpty, !text.utf8.contains(0) else {
                throw SettingErrors(value, "\(tomlQuoted(text)) is no file's name")
            }
            if text.hasPrefix("/") { return SecretFile(key: key, path: text) }
            guard !text.contains("/"), text != ".", text != ".." else {
                throw SettingErrors(value, "\(tomlQuoted(text)) is neither absolute nor a plain name")
            }
            guard let directory = context.credentialsDirectory, directory.hasPrefix("/") else {
                throw SettingErrors(
                    value,
                    "\(tomlQuoted(text)) is relative, and $CREDENTIALS_DIRECTORY is not set to a directory, nor is there a "
                        + "directory credentials beside the settings")
            }
            return SecretFile(key: key, path: "\(directory)/\(text)")
        } write: {
            tomlQuoted($0.path)
        }
    }
}

private func hasControlCharacter(_ text: String) -> Bool {
    text.unicodeScalars.contains(where: \.isControl)
}
