/// A page that is made for one request, in the looks of the one at `/`. Whatever it says is in its HTML, so that it needs
/// no script; the one that it has turns times into those of the browser's zone, and shows the page again when what it
/// says has changed.
package struct RenderedPage: Sendable {
    package var status: Int
    package var title: String
    /// Another one where the page says something else; nil: it is final, and need not be asked for again.
    package var version: String?
    package var body: [HTML]

    package init(status: Int = 200, title: String, version: String? = nil, body: [HTML]) {
        self.status = status
        self.title = title
        self.version = version
        self.body = body
    }

    private static let styles = AdminPage.contents(of: "style") + [PackageResources.job_css]
    private static let script = PackageResources.job_js

    package static let contentSecurityPolicy = PagePolicy.text(scripts: [script], styles: styles)

    package var reply: AdminReply {
        AdminReply(
            status: status, contentType: "text/html; charset=utf-8",
            contentSecurityPolicy: Self.contentSecurityPolicy, body: html)
    }

    package var html: [UInt8] {
        let head: [HTML] =
            [
                .void("meta", ["charset": "utf-8"]),
                .void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .void("meta", ["name": "color-scheme", "content": "light dark"]),
                .void("meta", ["name": "referrer", "content": "no-referrer"]),
                .element("title", [:], "\(title) – leave-albumd"), .void("link", ["rel": "icon", "href": "data:,"]),
            ] + Self.styles.map { .raw("style", $0) }
        let page = HTML.element(
            "html", ["lang": "en"],
            [
                .element("head", [:], head),
                .element("body", ["data-version": version], body + [.raw("script", Self.script)]),
            ])
        return Array("<!doctype html>\n".utf8) + page.bytes + [UInt8(ascii: "\n")]
    }
}
