/// A URI with an authority, taken apart.
struct URIParts: Equatable {
    /// Lower case.
    var scheme: String
    /// As written, still percent-encoded.
    var userinfo: String?
    /// Percent-decoded, without brackets.
    var host: String
    var port: UInt16?
    /// As written, with its leading slash; empty if there is none.
    var path: String

    init(_ text: String) throws(MalformedText) {
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw MalformedText(problem: "it has a blank, a control character, or one that must be percent-encoded")
        }
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
            throw MalformedText(problem: "it does not begin with a scheme and ://")
        }
        scheme = text[..<colon].lowercased()
        let rest = text[text.index(colon, offsetBy: 3)...]
        guard !rest.contains("?"), !rest.contains("#") else {
            throw MalformedText(problem: "it has a query or a fragment (? or #)")
        }
        let authority = rest.prefix { $0 != "/" }
        path = String(rest[authority.endIndex...])

        var hostAndPort = authority
        if let at = authority.lastIndex(of: "@") {
            userinfo = String(authority[..<at])
            hostAndPort = authority[authority.index(after: at)...]
        }
        let hostText: Substring
        let portText: Substring
        if hostAndPort.hasPrefix("[") {
            guard let end = hostAndPort.firstIndex(of: "]") else {
                throw MalformedText(problem: "its IPv6 address has no closing bracket")
            }
            hostText = hostAndPort[hostAndPort.index(after: hostAndPort.startIndex)..<end]
            portText = hostAndPort[hostAndPort.index(after: end)...]
            guard NumericAddress(String(hostText))?.isIPv6 == true else {
                throw MalformedText(problem: "its brackets hold no IPv6 address")
            }
        } else {
            hostText = hostAndPort.prefix { $0 != ":" }
            portText = hostAndPort[hostText.endIndex...]
        }
        guard let host = Self.percentDecoded(hostText), !host.isEmpty else {
            throw MalformedText(problem: "it has no host")
        }
        guard host.utf8.allSatisfy({ Self.isHostCharacter($0) }) else {
            throw MalformedText(problem: "its host has a character that no host name has")
        }
        self.host = host
        if !portText.isEmpty {
            let digits = portText.dropFirst()
            guard portText.first == ":", digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits),
                port > 0
            else { throw MalformedText(problem: "its port is not a number from 1 to 65535") }
            self.port = port
        }
    }

    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: ":"):
            true
        default: false
        }
    }

    /// Nil for a broken escape, and for what is then not UTF-8.
    static func percentDecoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
                else { return nil }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        Character(UnicodeScalar(digit)).hexDigitValue.map { UInt8($0) }
    }

    /// The text with the password of its userinfo replaced, for showing. It masks by shape alone, so that a text that
    /// is no URI after all is masked too.
    static func masked(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@") else { return text }
        let start = text.firstRange(of: "://").map(\.upperBound) ?? text.startIndex
        guard start < at, let colon = text[start..<at].firstIndex(of: ":") else { return text }
        return "\(text[...colon])***\(text[at...])"
    }
}
