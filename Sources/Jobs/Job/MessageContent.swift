/// What the AMQP properties say of a body. An empty property says nothing, as if it were absent: some clients cannot
/// leave one out.
enum MessageContent {
    /// Why a body of this content is not read; nil if it is JSON as we take it.
    static func fault(contentType: String?, contentEncoding: String?) -> String? {
        encodingFault(contentEncoding ?? "") ?? typeFault(contentType ?? "")
    }

    private static func encodingFault(_ encoding: String) -> String? {
        switch encoding {
        // As nearly everybody writes it: no copy is made of it.
        case "", "identity", "utf-8": nil
        default:
            ["identity", "utf-8"].contains(encoding.lowercased())
                ? nil : "content-encoding: it must be absent, identity or utf-8"
        }
    }

    /// `name`: what says it, the property or an event's attribute.
    static func typeFault(_ contentType: String, of name: StaticString = "content-type") -> String? {
        if contentType == "" || contentType == "application/json" { return nil }
        guard mediaType(contentType) == "application/json" else {
            return "\(name): it must be absent or application/json"
        }
        return hasOtherCharset(contentType) ? "\(name): the charset must be utf-8" : nil
    }

    // MARK: Events

    private static let event = "application/cloudevents"

    /// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md#3-amqp-message-mapping
    static func isEvent(_ contentType: String) -> Bool {
        let type = contentType.utf8.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return type.prefix(event.utf8.count).elementsEqual(event.utf8) { byte, wanted in
            byte == wanted || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) && byte + 0x20 == wanted
        }
    }

    /// Why an event in structured mode of this content is not read.
    static func eventFault(contentType: String?, contentEncoding: String?) -> String? {
        if let fault = encodingFault(contentEncoding ?? "") { return fault }
        let contentType = contentType ?? ""
        let type = mediaType(contentType)
        if type.utf8.starts(with: "\(event)-batch".utf8) {
            return "content-type: a batch of events is not read; publish each event by itself"
        }
        // Without a format it is JSON, the one that everybody has to know.
        guard type == event || type == "\(event)+json" else {
            return "content-type: of the formats of events only application/cloudevents+json is read"
        }
        return hasOtherCharset(contentType) ? "content-type: the charset must be utf-8" : nil
    }

    // MARK: Media types

    private static func parts(_ contentType: String) -> [Substring.UTF8View] {
        contentType.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
    }

    /// Without its parameters, in lower case.
    private static func mediaType(_ contentType: String) -> String { parts(contentType).first.map(trimmed) ?? "" }

    private static func hasOtherCharset(_ contentType: String) -> Bool {
        parts(contentType).dropFirst().contains { parameter in
            let halves = parameter.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = halves.first, trimmed(name) == "charset" else { return false }
            return halves.count != 2 || !["utf-8", "\"utf-8\""].contains(trimmed(halves[1]))
        }
    }

    private static func trimmed(_ text: Substring.UTF8View) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let bytes = Array(text.drop(while: isBlank)).reversed().drop(while: isBlank).reversed()
        return String(decoding: bytes, as: UTF8.self).lowercased()
    }
}
