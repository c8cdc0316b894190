/// What the AMQP properties say of a body. An empty property says nothing, as if it were absent: some clients cannot
/// leave one out.
enum MessageContent {
    /// Why a body of this content is not read; nil if it is JSON as we take it.
    static func fault(contentType: String?, contentEncoding: String?) -> String? {
        // What nearly everybody says.
        if contentType == "application/json", contentEncoding == nil { return nil }
        if let contentEncoding, !contentEncoding.isEmpty, !["identity", "utf-8"].contains(contentEncoding.lowercased())
        {
            return "content-encoding: it must be absent, identity or utf-8"
        }
        guard let contentType, !contentType.isEmpty else { return nil }
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
