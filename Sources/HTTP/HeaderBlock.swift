/// The header lines of an answer, as libcurl gives them. A status is believed when its blank line has come: the lines
/// before it may be cut off anywhere, and libcurl calls that a success.
struct HeaderBlock {
    private(set) var status = 0
    private(set) var fields: [HTTPField] = []
    /// The final answer's headers are all here.
    private(set) var isComplete = false
    private var size = 0

    /// More than any answer has; the rest is not kept.
    private static let sizeLimit = 65_536

    /// Takes one line with its end.
    mutating func take(_ line: UnsafeRawBufferPointer) {
        // What follows are trailers.
        guard !isComplete else { return }
        var text = line[...]
        while let last = text.last, last == 0x0d || last == 0x0a { text = text.dropLast() }
        if text.isEmpty {
            isComplete = status >= 200
        } else if text.starts(with: "HTTP/".utf8) {
            // Interim answers come before the final one; each begins anew.
            self = HeaderBlock()
            let words = text.split(separator: 0x20, maxSplits: 2)
            status = words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
        } else {
            size += text.count
            if size <= Self.sizeLimit { takeField(text) }
        }
    }

    private mutating func takeField(_ text: Slice<UnsafeRawBufferPointer>) {
        if let first = text.first, isSpace(first) {
            // https://www.rfc-editor.org/rfc/rfc9112#name-obsolete-line-folding
            guard !fields.isEmpty else { return }
            fields[fields.count - 1].value += " " + trimmed(text)
        } else if let colon = text.firstIndex(of: 0x3a) {
            let name = String(decoding: text[..<colon], as: UTF8.self)
            fields.append(HTTPField(name, trimmed(text[text.index(after: colon)...])))
        }
    }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

private func trimmed(_ text: Slice<UnsafeRawBufferPointer>) -> String {
    var rest = text.drop(while: isSpace)
    while let last = rest.last, isSpace(last) { rest = rest.dropLast() }
    return String(decoding: rest, as: UTF8.self)
}
