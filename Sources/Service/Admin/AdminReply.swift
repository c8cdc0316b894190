package import HTTP

/// What an admin endpoint answers: read-only, whole, and small, because a slow reader's copy of it is kept until its
/// time is over.
package struct AdminReply: Equatable, Sendable {
    package var status: Int
    /// As it is sent, with its charset.
    package var contentType: String
    /// What a browser may do with it. Nothing, where it is not a page.
    package var contentSecurityPolicy: String
    /// Beside those that every answer has: they are written after them and do not replace them.
    package var fields: [HTTPField]
    package var body: [UInt8]

    package static let nothingAllowed = "default-src 'none'; frame-ancestors 'none'"

    package init(
        status: Int = 200, contentType: String, contentSecurityPolicy: String = Self.nothingAllowed,
        fields: [HTTPField] = [], body: [UInt8]
    ) {
        self.status = status
        self.contentType = contentType
        self.contentSecurityPolicy = contentSecurityPolicy
        self.fields = fields
        self.body = body
    }

    /// One line for people and scripts.
    package static func text(_ line: String, status: Int = 200) -> AdminReply {
        AdminReply(status: status, contentType: "text/plain; charset=utf-8", body: Array("\(line)\n".utf8))
    }

    package static func json(_ body: [UInt8]) -> AdminReply {
        AdminReply(contentType: "application/json", body: body)
    }

    /// Prometheus' text format.
    package static func metrics(_ body: [UInt8]) -> AdminReply {
        AdminReply(contentType: "text/plain; version=0.0.4; charset=utf-8", body: body)
    }

    /// All header lines of the answer but those that belong to HTTP itself.
    var allFields: [HTTPField] {
        [
            HTTPField("Content-Type", contentType), HTTPField("Cache-Control", "no-store"),
            HTTPField("X-Content-Type-Options", "nosniff"), HTTPField("Referrer-Policy", "no-referrer"),
            HTTPField("Content-Security-Policy", contentSecurityPolicy),
        ] + fields
    }
}
