/// A complete answer: every header, and the body to its end, or to the cap if it is longer.
///
/// A body that states no length ends where libcurl says. Its version 7.88 takes for that end also a TLS connection
/// without a farewell, and an HTTP/2 stream's reset that comes together with data. The status is certain all the same.
public struct HTTPResponse: Sendable {
    /// 200…999.
    public var status: Int
    /// In the order of their coming, without those of interim answers and without trailers.
    public var fields: [HTTPField]
    /// Decoded, if it came compressed. Empty if it cannot be decoded to its end.
    public var body: [UInt8]
    /// The body was longer; what is here is its beginning.
    public var bodyExceededCap: Bool
    /// It came compressed, and was cut, damaged or in a form that was not asked for. What it said is not known.
    public var bodyIsUndecodable: Bool
    /// 2 for HTTP/2, else 1.
    public var majorVersion: Int

    public init(
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
    public var bodyIsWhole: Bool { !bodyExceededCap && !bodyIsUndecodable }

    /// The first field of that name, whatever its case.
    public func field(_ name: String) -> String? {
        let name = name.lowercased()
        return fields.first { $0.name.lowercased() == name }?.value
    }
}
