/// The header lines of a transfer, as libcurl gives them. A status is believed when its blank line has come.
struct HeaderBlock {
    private(set) var status = 0
    private(set) var fields: [(name: String, value: String)] = []
    private(set) var isComplete = false
    private var size = 0

    /// More than any answer has; the rest is not kept.
    private static let sizeLimit = 65_536

    /// Takes one line with its end.
    mutating func take(_ line: UnsafeRawBufferPointer) {
        var text = line[...]
        while let last = text.last, last == 0x0d || last == 0x0a { text = text.dropLast() }
        if text.starts(with: "HTTP/".utf8) {
            // An interim answer, a proxy's, or the final one: each begins anew.
            self = HeaderBlock()
            let words = text.split(separator: 0x20, maxSplits: 2)
            status = words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
        } else if text.isEmpty {
            isComplete = status >= 200
        } else if !isComplete, let colon = text.firstIndex(of: 0x3a) {
            size += text.count
            guard size <= Self.sizeLimit else { return }
            let value = String(decoding: text[text.index(after: colon)...], as: UTF8.self)
            fields.append(
                (String(decoding: text[..<colon], as: UTF8.self), value.trimmingSpaces))
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let start = firstIndex(where: { !isSpace($0) }), let end = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(self[start...end])
    }
}
