package import Jobs
package import Secrets

/// How the API is called: over HTTP, or by a test.
package protocol PhotosCalling: Sendable {
    /// One call of `sharedAlbums.leave`. It never sends twice; what it cannot know it says.
    func leave(_ token: ShareToken, bearer: Secret, trace: TraceContext) async -> Answer

    /// The album query: what the album says of the user. It has no effect.
    func album(_ token: ShareToken, bearer: Secret, trace: TraceContext) async -> Answer
}

/// What came of one call, in the words of the transport. No detail in it may hold the request's headers, path or body.
package enum Answer: Sendable {
    /// For certain no byte of the request left this machine: refused, no name, no connection, TLS not established.
    case notSent(detail: String)
    /// The server's certificate was not trusted; nothing was sent.
    case tlsTrustFailure(detail: String)
    /// Some of the request may have arrived, and no complete answer came: reset, hang, truncated headers or body.
    case ambiguous(detail: String)
    /// The headers are complete. Unless `isWhole`, the body is not: it goes beyond the caller's cap, or cannot be
    /// decoded to its end.
    case answered(status: Int, fields: [(name: String, value: String)], body: [UInt8], isWhole: Bool = true)
}
