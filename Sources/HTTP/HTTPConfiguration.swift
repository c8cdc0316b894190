/// How the engine connects. It never follows a redirect, never sends a body twice, and always verifies TLS.
public struct HTTPConfiguration: Sendable {
    /// For the name, the connection and TLS.
    public var connectTimeout: Duration
    /// For all of it, the answer included.
    public var timeout: Duration
    /// PEM file of the authorities; nil is the system's bundle.
    public var caFile: String?
    /// `http://host:port` and the like. Nil is no proxy, whatever the environment says.
    public var proxy: String?
    public var http2: Bool
    /// Bytes of a body, decoded, that are kept.
    public var maxResponse: Int
    public var userAgent: String
    /// Connections to one host; more requests wait. HTTP/2 shares one.
    public var maxConnections: Int

    public init(
        connectTimeout: Duration = .seconds(5), timeout: Duration = .seconds(20), caFile: String? = nil,
        proxy: String? = nil, http2: Bool = true, maxResponse: Int = 65_536, userAgent: String = "leave-albumd",
        maxConnections: Int = 64
    ) {
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.caFile = caFile
        self.proxy = proxy
        self.http2 = http2
        self.maxResponse = maxResponse
        self.userAgent = userAgent
        self.maxConnections = maxConnections
    }
}
