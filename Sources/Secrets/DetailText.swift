/// Text that came from elsewhere, made fit for a result, a header or a log line.
public enum DetailText {
    /// Of a result's detail, in bytes.
    public static let longest = 512

    /// Each control character (C0, DEL, C1, separators of lines and paragraphs, bidi controls) becomes a space; what
    /// goes beyond `limit` bytes is cut before the character that would not fit.
    public static func scrubbed(_ text: String, limit: Int = longest) -> String {
        if text.utf8.count <= limit, text.utf8.allSatisfy(isPlain) { return text }
        var scrubbed = String.UnicodeScalarView()
        var size = 0
        for scalar in text.unicodeScalars {
            let clean = scalar.isControl ? " " : scalar
            size += UTF8.width(clean)
            if size > limit { break }
            scrubbed.append(clean)
        }
        return String(scrubbed)
    }

    /// ASCII without controls: most text is nothing else, and there is nothing to scrub.
    public static func isPlain(_ byte: UInt8) -> Bool { (0x20...0x7E).contains(byte) }
}
