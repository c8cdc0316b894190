/// The protocol's short strings: properties, routing keys, names of queues and exchanges.
package enum ShortString {
    /// In bytes: the length is one of them.
    package static let longest = 255

    /// As much of the text as fits, whole characters of Unicode. Bytes that are no UTF-8 grow when they are repaired,
    /// and what came as a short string has to go out again as one.
    package static func cut(_ text: String) -> String {
        guard text.utf8.count > longest else { return text }
        var cut = String.UnicodeScalarView()
        var size = 0
        for scalar in text.unicodeScalars {
            size += UTF8.width(scalar)
            guard size <= longest else { break }
            cut.append(scalar)
        }
        return String(cut)
    }
}
