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

    private static func typeFault(_ contentType: String) -> String? {
        if contentType == "" || contentType == "application/json" { return nil }
        let parts = contentType.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let type = parts.first, trimmed(type) == "application/json" else {
            return "content-type: it must be absent or application/json"
        }
        for parameter in parts.dropFirst() {
            let halves = parameter.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = halves.first, trimmed(name) == "charset" else { continue }
            guard halves.count == 2, ["utf-8", "\"utf-8\""].contains(trimmed(halves[1])) else {
                return "content-type: the charset must be utf-8"
            }
        }
        return nil
    }

    private static func trimmed(_ text: Substring.UTF8View) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let bytes = Array(text.drop(while: isBlank)).reversed().drop(while: isBlank).reversed()
        return String(decoding: bytes, as: UTF8.self).lowercased()
    }
}
