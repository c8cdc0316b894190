extension RawConnection {
    /// Takes one request with as much body as its Content-Length says.
    package func readRequest() throws(RawPeerFault) -> HTTPPeerRequest {
        var request = try readRequestHead()
        request.body = try read(
            count: request.values(of: "Content-Length").first.flatMap { Int($0) } ?? 0)
        return request
    }

    /// Takes a request's head alone.
    package func readRequestHead() throws(RawPeerFault) -> HTTPPeerRequest {
        let head = try read(until: "\r\n\r\n")
        return HTTPPeerRequest(lines: head.split(separator: "\r\n").map(String.init), body: [])
    }

    /// Sends a whole answer with its length.
    package func answer(_ status: String = "200 OK", fields: [String] = [], body: [UInt8] = [])
        throws(RawPeerFault)
    {
        let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + fields
        try write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }
}
