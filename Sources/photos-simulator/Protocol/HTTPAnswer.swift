/// A whole answer.
struct HTTPAnswer: Sendable {
    var status: Int
    var fields: [(String, String)] = []
    var body: [UInt8]
    var contentType = "application/json; charset=UTF-8"

    init(status: Int, fields: [(String, String)] = [], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// The bytes on the wire, and where the header block ends in them.
    func encoded(keepAlive: Bool) -> (bytes: [UInt8], headerLength: Int) {
        var head = "HTTP/1.1 \(status) \(Self.phrase(status))\r\n"
        if status != 204 { head += "Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n" }
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if !keepAlive { head += "Connection: close\r\n" }
        head += "\r\n"
        let header = Array(head.utf8)
        return (header + (status == 204 ? [] : body), header.count)
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 409: "Conflict"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Status"
        }
    }
}
