import HTTP

/// The head of a request, as far as it decides whether anybody looks at it.
struct AdminRequest: Equatable {
    var method: String
    /// Without its query.
    var path: String
    /// Nil: an HTTP/1.0 client that sends none.
    var host: String?
    /// It says that a body follows, of whatever length.
    var hasBody = false

    /// Why it is refused, or nil.
    ///
    /// While the server listens on a loopback address, whoever reaches it by a name other than `localhost` is a page
    /// whose author pointed a name of theirs at this machine, to read what only this machine may (DNS rebinding). On
    /// another address everybody of the network reads the same, and scrapers come by whatever name they have.
    func refusal(onLoopback: Bool) -> AdminReply? {
        guard method == "GET" || method == "HEAD" else {
            var reply = AdminReply.text("these endpoints can only be read", status: 405)
            reply.fields = [HTTPField("Allow", "GET, HEAD")]
            return reply
        }
        guard !hasBody else { return .text("a request to read has no body", status: 413) }
        if onLoopback, let host, !Self.isOfThisMachine(host) {
            return .text("ask by address or as localhost: this server listens on loopback only", status: 421)
        }
        return nil
    }

    /// Numbers or `localhost`, with or without a port.
    private static func isOfThisMachine(_ host: String) -> Bool {
        var name = Substring(host.lowercased())
        if name.hasPrefix("["), let end = name.firstIndex(of: "]") {
            name = name[name.index(after: name.startIndex)..<end]
        } else if let colon = name.firstIndex(of: ":") {
            name = name[..<colon]
        }
        return name == "localhost" || NumericSocketAddress(host: String(name), port: 0) != nil
    }
}
