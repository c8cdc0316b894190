import Secrets

/// The page at `/` of the admin listener. One file without a line from elsewhere; it asks `/status` and changes
/// nothing.
package enum AdminPage {
    /// UTF-8; to be sent as `text/html; charset=utf-8`.
    package static let html: [UInt8] = PackageResources.page_html

    /// What the page may do, for the header of that name: run the one script and the one style that are in it, show
    /// pictures that are in it, and ask where it came from. The script may write no HTML.
    package static let contentSecurityPolicy: String = [
        "default-src 'none'", "script-src \(sources(of: "script"))", "style-src \(sources(of: "style"))",
        "img-src data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")

    private static func sources(of element: String) -> String {
        let hashes = contents(of: element).map { content in
            "'sha256-\(Base64.encoded(SHA256Digest(of: content).bytes))'"
        }
        return hashes.isEmpty ? "'none'" : hashes.joined(separator: " ")
    }

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
