/// What came of a request, in the only three ways that matter to who must not repeat it blindly.
public enum HTTPExchange: Sendable {
    /// For certain no byte of the request left.
    case notSent(HTTPFault)
    /// Some of it may have arrived, and no complete answer came back.
    case ambiguous(HTTPFault)
    /// Headers complete, and the body to its end or to the cap.
    case answered(HTTPResponse)
}

public struct HTTPFault: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        case resolve
        case connect
        case connectTimeout = "connect_timeout"
        /// The certificate: unknown authority, wrong name, expired.
        case tlsTrust = "tls_trust"
        case tls
        case timeout
        /// The connection ended before the answer did.
        case connectionLost = "connection_lost"
        case truncatedHeaders = "truncated_headers"
        case malformedAnswer = "malformed_answer"
        /// The connection died, and the body would have had to be sent again.
        case resendRefused = "resend_refused"
        /// The engine was stopped.
        case stopped
        /// The request itself cannot be made: a fault of the caller.
        case invalidRequest = "invalid_request"
        case other
    }

    public var kind: Kind
    /// libcurl's CURLcode.
    public var code: Int32
    /// libcurl's words for the code; never of the request.
    public var detail: String

    public var description: String { "\(kind.rawValue): \(detail) (curl \(code))" }
}

public struct HTTPResponse: Sendable {
    public var status: Int
    /// Of the last answer, in the order of their coming, without interim ones.
    public var fields: [(name: String, value: String)]
    public var body: [UInt8]
    /// The body was longer; what is here is its beginning.
    public var bodyExceededCap: Bool
    /// 2 for HTTP/2, else 1.
    public var majorVersion: Int

    /// The first field of that name, whatever its case.
    public func field(_ name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
