public import Secrets

/// One request. URL, bearer and body may hold secrets; none of them is ever part of a fault.
public struct HTTPRequest: Sendable {
    public var method: HTTPMethod
    /// `http://…` or `https://…`, percent-encoded. It is sent as it is.
    public var url: Secret
    public var fields: [HTTPField]
    /// Sent as `Authorization: Bearer …`.
    public var bearer: Secret?
    /// For a POST. Its media type is among the fields.
    public var body: Secret?

    public init(
        _ method: HTTPMethod, url: Secret, fields: [HTTPField] = [], bearer: Secret? = nil,
        body: Secret? = nil
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.bearer = bearer
        self.body = body
    }

    public init(
        _ method: HTTPMethod, url: String, fields: [HTTPField] = [], bearer: Secret? = nil,
        body: Secret? = nil
    ) {
        self.init(
            method, url: Secret(copying: Array(url.utf8)), fields: fields, bearer: bearer, body: body)
    }
}
