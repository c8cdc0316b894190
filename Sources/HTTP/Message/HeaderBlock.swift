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
    /// As many as answers mostly have.
    private static let usualFields = 8

    /// Takes one line with its end.
    mutating func take(_ line: UnsafeRawBufferPointer) {
        // What follows are trailers.
        guard !isComplete else { return }
        let text = line.trimmed(front: { _ in false }, back: { $0 == 0x0d || $0 == 0x0a })
        if text.isEmpty {
            isComplete = status >= 200
        } else if text.starts(with: "HTTP/".utf8) {
            // Interim answers come before the final one; each begins anew.
            self = HeaderBlock()
            let parts = text.split(separator: 0x20, maxSplits: 2)
            status = parts.count > 1 ? Int(String(decoding: parts[1], as: UTF8.self)) ?? 0 : 0
        } else {
            size += text.count
            if size <= Self.sizeLimit { takeField(text) }
        }
    }

    private mutating func takeField(_ text: UnsafeRawBufferPointer) {
        if isSpace(text[0]) {
            // https://www.rfc-editor.org/rfc/rfc9112#name-obsolete-line-folding
            guard !fields.isEmpty else { return }
            fields[fields.count - 1].value += " " + parts(text)
        } else if let colon = text.firstIndex(of: 0x3a) {
            if fields.isEmpty { fields.reserveCapacity(Self.usualFields) }
            let name = UnsafeRawBufferPointer(rebasing: text[..<colon])
            let value = UnsafeRawBufferPointer(rebasing: text[(colon + 1)...])
            fields.append(HTTPField(String(decoding: name, as: UTF8.self), parts(value)))
        }
    }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

private func parts(_ text: UnsafeRawBufferPointer) -> String {
    String(decoding: text.trimmed(front: isSpace, back: isSpace), as: UTF8.self)
}

extension UnsafeRawBufferPointer {
    fileprivate func trimmed(front: (UInt8) -> Bool, back: (UInt8) -> Bool) -> UnsafeRawBufferPointer {
        var start = 0
        var end = count
        while start < end, front(self[start]) { start += 1 }
        while end > start, back(self[end - 1]) { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: self[start..<end])
    }
}
