public import Secrets

/// One request. URL and body may hold secrets; neither is ever part of a fault.
public struct HTTPRequest: Sendable {
    public enum Method: Sendable {
        case get
        case post
    }

    public struct Field: Hashable, Sendable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public var method: Method
    public var url: Secret
    public var fields: [Field]
    /// Sent as `Authorization: Bearer …`.
    public var bearer: Secret?
    /// For a POST.
    public var body: Secret?

    public init(_ method: Method, url: Secret, fields: [Field] = [], bearer: Secret? = nil, body: Secret? = nil) {
        self.method = method
        self.url = url
        self.fields = fields
        self.bearer = bearer
        self.body = body
    }

    public init(_ method: Method, url: String, fields: [Field] = [], bearer: Secret? = nil, body: Secret? = nil) {
        self.init(method, url: Secret(copying: Array(url.utf8)), fields: fields, bearer: bearer, body: body)
    }
}
