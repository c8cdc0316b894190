import Secrets

extension HTTPRequest {
    /// Why it cannot be sent, without any of its values; nil if it can. What passes adds no line to the request's head
    /// and is cut short nowhere.
    var flaw: String? {
        let isURL = url.withUnsafeBytes { bytes in
            bytes.allSatisfy(isGraphic)
                && (bytes.starts(with: "http://".utf8) || bytes.starts(with: "https://".utf8))
        }
        guard isURL else { return "the URL is not of http or https, or not percent-encoded" }
        for field in fields {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(isTokenCharacter) else {
                return "a header's name is not a token"
            }
            guard field.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }) else {
                return "the value of header \(field.name) has control characters"
            }
        }
        if let bearer {
            let isToken = bearer.withUnsafeBytes { !$0.isEmpty && $0.allSatisfy(isGraphic) }
            guard isToken else { return "the bearer token is empty, or has spaces or control characters" }
        }
        if method == .get, body != nil { return "a GET has no body" }
        return nil
    }
}

private func isGraphic(_ byte: UInt8) -> Bool { (0x21...0x7e).contains(byte) }

/// https://www.rfc-editor.org/rfc/rfc9110#name-tokens
private func isTokenCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: "/"),
        UInt8(ascii: ":"), UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: "="), UInt8(ascii: ">"),
        UInt8(ascii: "?"), UInt8(ascii: "@"), UInt8(ascii: "["), UInt8(ascii: "\\"), UInt8(ascii: "]"),
        UInt8(ascii: "{"), UInt8(ascii: "}"):
        false
    default: isGraphic(byte)
    }
}
