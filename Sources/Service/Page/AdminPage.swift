/// The page at `/` of the admin listener. One file without a line from elsewhere; it asks `/status` and changes
/// nothing.
package enum AdminPage {
    /// UTF-8; to be sent as `text/html; charset=utf-8`.
    package static let html: [UInt8] = PackageResources.page_html

    package static let contentSecurityPolicy = PagePolicy.text(
        scripts: contents(of: "script"), styles: contents(of: "style"))

    /// What stands between the tags of every element of that name; ours have no attributes.
    static func contents(of element: String) -> [[UInt8]] {
        let (opening, closing) = (Array("<\(element)>".utf8), Array("</\(element)>".utf8))
        var found: [[UInt8]] = []
        var rest = html[...]
        while let start = rest.firstRange(of: opening)?.upperBound {
            guard let end = rest[start...].firstRange(of: closing) else { break }
            found.append(Array(rest[start..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        return found
    }
}
