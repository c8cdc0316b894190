/// What came of a request, in the only three ways that matter to who must not repeat it blindly.
public enum HTTPExchange: Sendable {
    /// For certain no byte of the request left.
    case notSent(HTTPFault)
    /// Some of it may have arrived, and no complete answer came back.
    case ambiguous(HTTPFault)
    /// Headers complete, and the body to its end or to the cap.
    case answered(HTTPResponse)
}
