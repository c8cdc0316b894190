/// What went wrong in a transfer.
package enum HTTPFaultKind: String, Sendable, CaseIterable {
    /// The request itself cannot be made: a fault of the caller.
    case invalidRequest = "invalid_request"
    /// No free place among the exchanges under way in time.
    case congested
    /// The send window was over before the request could begin. No host is to blame.
    case tooLate = "too_late"
    /// No descriptor was free for a name, a connection or a file of authorities: this side's fault.
    case descriptors
    case resolve
    case connect
    /// No connection, TLS included, in time.
    case connectTimeout = "connect_timeout"
    /// The proxy did not open the tunnel.
    case proxy
    /// The certificate: unknown authority, wrong name, expired; or the file of authorities cannot be read.
    case tlsTrust = "tls_trust"
    case tls
    /// No complete answer in time.
    case timeout
    /// The connection or stream ended before the answer did.
    case connectionLost = "connection_lost"
    case truncatedHeaders = "truncated_headers"
    case malformedResponse = "malformed_response"
    /// The connection died, and the request would have had to be sent again.
    case resendRefused = "resend_refused"
    /// The engine was stopped.
    case stopped
    case other
}
