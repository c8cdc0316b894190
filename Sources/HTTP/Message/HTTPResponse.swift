/// A complete answer: every header, and the body to its end, or to the cap if it is longer.
///
/// A body that states no length ends where libcurl says. Its version 7.88 takes for that end also a TLS connection
/// without a farewell, and an HTTP/2 stream's reset that comes together with data. The status is certain all the same.
package struct HTTPResponse: Sendable {
    /// 200…999.
    package var status: Int
    /// In the order of their coming, without those of interim answers and without trailers.
    package var fields: [HTTPField]
    /// Decoded, if it came compressed. Empty if it cannot be decoded to its end.
    package var body: [UInt8]
    /// The body was longer; what is here is its beginning.
    package var bodyExceededCap: Bool
    /// Whether a compressed body was cut, damaged or in a coding that was not requested, so that it cannot be read.
    package var bodyIsUndecodable: Bool
    /// 2 for HTTP/2, else 1.
    package var majorVersion: Int

    package init(
        status: Int, fields: [HTTPField] = [], body: [UInt8] = [], bodyExceededCap: Bool = false,
        bodyIsUndecodable: Bool = false, majorVersion: Int = 1
    ) {
        self.status = status
        self.fields = fields
        self.body = body
        self.bodyExceededCap = bodyExceededCap
        self.bodyIsUndecodable = bodyIsUndecodable
        self.majorVersion = majorVersion
    }

    /// All that the server sent is in `body`.
    package var bodyIsWhole: Bool { !bodyExceededCap && !bodyIsUndecodable }

    /// The first field of that name, whatever its case.
    package func field(_ name: String) -> String? {
        let name = name.lowercased()
        return fields.first { $0.isNamed(name) }?.value
    }
}

/// What came of a request, in the only three ways that matter to who must not repeat it blindly.
package enum HTTPExchange: Sendable {
    /// For certain no byte of the request left.
    case notSent(HTTPFault)
    /// Some of it may have arrived, and no complete answer came back.
    case ambiguous(HTTPFault)
    /// Headers complete, and the body to its end or to the cap.
    case answered(HTTPResponse)
}
