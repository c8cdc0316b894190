package import JSON
import Secrets

/// Takes out of text and JSON what must not leave a site: secrets, whole or begun, become `<redacted>`, and accounts
/// the beginning of their SHA-256, as in a log with `log.hash_accounts`.
///
/// Three nets, because none is enough: secrets that are known here, passwords by their place in an address, and long
/// words that look like tokens.
package struct Scrubber: Sendable {
    /// By their first twelve bytes, or all if they are shorter, so that a hundred thousand tokens that begin alike cost
    /// a look-up and not a search.
    private var secrets: [[UInt8]: [[UInt8]]] = [:]
    private var secretLengths: Set<Int> = []
    private var accounts: Set<[UInt8]> = []
    private var accountLengths: Set<Int> = []
    /// The first four bytes of all of them: most places of a text end here.
    private var starts: Set<UInt32> = []

    /// Shorter secrets and names occur in ordinary words. They go only where their place tells.
    static let shortest = 4
    /// As `Redaction` has it: a piece this long is taken for the whole.
    private static let shortestPiece = 12
    /// Longer than a UUID, shorter than any token of the API's or its authority's.
    private static let shortestOpaque = 40

    package init(secrets: [[UInt8]], accounts: [[UInt8]]) {
        for secret in secrets {
            // As it stands, and as JSON and addresses write it.
            let json = Array(JSONValue.string(secret).encoded().dropFirst().dropLast())
            let escaped = PercentEncoding.encode(secret)
            for form in Set([secret, json, escaped]) {
                guard let start = Self.key(of: form[...]) else { continue }
                let piece = Array(form.prefix(Self.shortestPiece))
                starts.insert(start)
                secretLengths.insert(piece.count)
                self.secrets[piece, default: []].append(form)
            }
        }
        for account in accounts { learn(account) }
    }

    /// Hides this account too wherever it stands as a word.
    package mutating func learn(_ account: [UInt8]) {
        guard let start = Self.key(of: account[...]) else { return }
        starts.insert(start)
        accounts.insert(account)
        accountLengths.insert(account.count)
    }

    /// The first four bytes; nil if there are fewer.
    private static func key(of bytes: ArraySlice<UInt8>) -> UInt32? {
        guard bytes.count >= shortest else { return nil }
        return bytes.prefix(shortest).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Hides every account that `json` names as one.
    package mutating func learn(from json: JSONValue) {
        switch json {
        case .object(let members):
            for member in members {
                if Self.isAccount(member.name), let name = member.value.utf8 {
                    learn(name)
                } else {
                    learn(from: member.value)
                }
            }
        case .array(let elements): for element in elements { learn(from: element) }
        case .string, .integer, .real, .bool, .null: break
        }
    }

    static func isAccount(_ name: [UInt8]) -> Bool {
        ["account", "ACCOUNT"].contains { name.elementsEqual($0.utf8) }
    }

    static func hashed(_ account: [UInt8]) -> String {
        "sha256:" + SHA256Digest(of: account).hexadecimal.prefix(12)
    }

    // MARK: What it does

    package func scrubbed(_ json: JSONValue) -> JSONValue {
        switch json {
        case .object(let members):
            .object(
                members.map { member in
                    if Self.isAccount(member.name), let name = member.value.utf8 {
                        return JSONValue.Member(member.name, .text(Self.hashed(name)))
                    }
                    return JSONValue.Member(member.name, scrubbed(member.value))
                })
        case .array(let elements): .array(elements.map { scrubbed($0) })
        case .string(let text): .string(scrubbed(text))
        case .integer, .real, .bool, .null: json
        }
    }

    package func scrubbed(_ text: String) -> String {
        String(decoding: scrubbed(Array(text.utf8)), as: UTF8.self)
    }

    package func scrubbed(_ text: [UInt8]) -> [UInt8] {
        let known = replacing(in: Self.withoutAccountFields(text))
        return Redaction.hidingOpaqueText(Self.withoutPasswords(known)) { word in
            // Names of metrics and queues are long too, but of small letters only.
            word.count >= Self.shortestOpaque
                && word.contains {
                    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                }
        }
    }

    private static let mark = Array("<redacted>".utf8)

    private func replacing(in text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let rest = text[index...]
            if let start = Self.key(of: rest), starts.contains(start) {
                let hidden = secretLength(at: rest)
                if hidden > 0 {
                    result += Self.mark
                    index += hidden
                    continue
                }
                if index == 0 || !Self.isWord(text[index - 1]), let account = account(at: rest) {
                    result += Array(Self.hashed(account).utf8)
                    index += account.count
                    continue
                }
            }
            result.append(text[index])
            index += 1
        }
        return result
    }

    /// How many bytes at the front belong to a secret: all of it, or twelve and more.
    private func secretLength(at rest: ArraySlice<UInt8>) -> Int {
        var longest = 0
        for length in secretLengths where length <= rest.count {
            for secret in secrets[Array(rest.prefix(length))] ?? [] {
                longest = max(longest, zip(secret, rest).prefix { $0 == $1 }.count)
            }
        }
        return longest
    }

    /// The longest that stands at the front as a word of its own.
    private func account(at rest: ArraySlice<UInt8>) -> [UInt8]? {
        var longest: [UInt8]?
        for length in accountLengths where length <= rest.count && length > longest?.count ?? 0 {
            let word = Array(rest.prefix(length))
            let next = rest.dropFirst(length).first
            if accounts.contains(word), next.map(Self.isWord) != true { longest = word }
        }
        return longest
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        default: false
        }
    }
}
