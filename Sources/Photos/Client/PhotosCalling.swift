package import Clocks
package import Jobs
package import Secrets

/// How the API is called: over HTTP, or by a test.
package protocol PhotosCalling: Sendable {
    /// One call of `sharedAlbums.leave`. It never sends twice; what it cannot know it says. From `beginsBefore` on, the
    /// end of its send window, it sends nothing, and says so.
    func leave(
        _ token: ShareToken, bearer: Secret, trace: TraceContext, beginsBefore: MonotonicTime
    ) async -> Answer

    /// The album query: what the album says of the user. It has no effect, and a send window as a call has.
    func album(
        _ token: ShareToken, bearer: Secret, trace: TraceContext, beginsBefore: MonotonicTime
    ) async -> Answer

    /// Has a connection ready for the next call, without sending anything over it: where making one takes longer than
    /// a send window, no call would ever begin.
    /// - Returns: why there is none, for people; nil if there is.
    func warmUp() async -> String?
}

/// What came of one call, in the words of the transport. No detail in it may hold the request's headers, path or body.
package enum Answer: Sendable {
    /// For certain no byte of the request left this machine: refused, no name, no connection, TLS not established.
    case notSent(detail: String)
    /// The send window was over first; nothing was sent, and nobody is to blame for it.
    case tooLate(detail: String)
    /// The server's certificate was not trusted; nothing was sent.
    case tlsTrustFailure(detail: String)
    /// Some of the request may have arrived, and no complete answer came: reset, hang, truncated headers or body.
    case ambiguous(detail: String)
    /// The headers are complete. Unless `isWhole`, the body is not: it goes beyond the caller's cap, or cannot be
    /// decoded to its end.
    case answered(status: Int, fields: [(name: String, value: String)], body: [UInt8], isWhole: Bool = true)
}
