import Foundation

/// The document as Chromium wrote it out after its scripts ran.
struct DumpedPage {
    /// Without what stands in script and style, which the tests must not find by mistake.
    let html: String

    init(_ text: String) {
        html = text.replacing(/<(script|style)>[\s\S]*?<\/(script|style)>/, with: "")
    }

    var title: String { Self.text(in: html.firstMatch(of: /<title>([\s\S]*?)<\/title>/).map { String($0.1) } ?? "") }

    /// A data attribute of the body, where a test's script leaves what it found.
    func found(_ name: String) -> String? {
        html.firstRange(of: "<body").flatMap { start in
            html[start.upperBound...].prefix { $0 != ">" }.components(separatedBy: "data-\(name)=\"").dropFirst().first?
                .components(separatedBy: "\"").first
        }
    }

    /// Whether the page says that what it shows is old.
    var isStale: Bool { html.firstMatch(of: /<html[^>]* data-stale/) != nil }

    /// The source of the element with that id; empty if there is none.
    func source(_ id: String) -> String {
        guard let mark = html.range(of: "id=\"\(id)\""),
            let start = html[..<mark.lowerBound].lastIndex(of: "<")
        else { return "" }
        let name = String(html[html.index(after: start)...].prefix { $0.isLetter || $0.isNumber })
        var depth = 0
        var rest = html[start...]
        while let next = rest.range(of: "</?\(name)[\\s>]", options: .regularExpression) {
            depth += rest[next].hasPrefix("</") ? -1 : 1
            if depth == 0 { return String(html[start..<next.upperBound]) }
            rest = rest[next.upperBound...]
        }
        return ""
    }

    /// All that it says, spaces collapsed.
    var bodyText: String { html.firstRange(of: "<body").map { Self.text(in: String(html[$0.lowerBound...])) } ?? "" }

    /// Its text, spaces collapsed.
    func text(_ id: String) -> String { Self.text(in: source(id)) }

    /// The data of the paths of a class in the element with that id.
    func paths(_ id: String, _ name: String) -> [String] {
        source(id).components(separatedBy: "<path ").dropFirst().compactMap { piece in
            let tag = piece.prefix { $0 != ">" }
            guard tag.contains("class=\"\(name)\"") else { return nil }
            return tag.components(separatedBy: " d=\"").last?.components(separatedBy: "\"").first
                ?? tag.components(separatedBy: "d=\"").last?.components(separatedBy: "\"").first
        }
    }

    private static func text(in source: String) -> String {
        var text = source.replacing(/<\/(p|h1|h2|td|th|dt|dd|li|tr|div|strong|text)>/, with: " ").replacing(
            /<[^>]*>/, with: "")
        for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", " "), ("&amp;", "&")] {
            text = text.replacingOccurrences(of: entity, with: character)
        }
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
