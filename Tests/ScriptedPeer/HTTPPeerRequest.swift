/// A request as it came over HTTP/1.1.
public struct HTTPPeerRequest: Sendable {
    /// Without line ends; the request line is the first.
    public var lines: [String]
    public var body: [UInt8]

    public var requestLine: String { lines.first ?? "" }

    /// The values of all fields of that name, whatever its case.
    public func values(of name: String) -> [String] {
        lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else {
                return nil
            }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
    }
}

extension RawConnection {
    /// Takes one request with as much body as its Content-Length says.
    public func readRequest() throws(RawPeerFault) -> HTTPPeerRequest {
        var request = try readRequestHead()
        request.body = try read(count: request.values(of: "Content-Length").first.flatMap { Int($0) } ?? 0)
        return request
    }

    /// Takes a request's head alone.
    public func readRequestHead() throws(RawPeerFault) -> HTTPPeerRequest {
        let head = try read(until: "\r\n\r\n")
        return HTTPPeerRequest(lines: head.split(separator: "\r\n").map(String.init), body: [])
    }

    /// Sends a whole answer with its length.
    public func answer(_ status: String = "200 OK", fields: [String] = [], body: [UInt8] = []) throws(RawPeerFault) {
        let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + fields
        try write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }
}
