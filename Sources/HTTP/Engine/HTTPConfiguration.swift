/// How the engine connects. It never follows a redirect, never sends a request twice, and always verifies TLS.
package struct HTTPConfiguration: Sendable {
    /// For a free place among the exchanges under way, and then again for the name, the connection and TLS.
    package var connectTimeout: Duration
    /// For all of it once there is a place: from the name to the answer's last byte.
    package var timeout: Duration
    /// PEM file of the only authorities that are trusted; nil is the system's bundle.
    package var caFile: String?
    /// `http://host:port` and the like. Nil is no proxy, whatever the environment says.
    package var proxy: String?
    /// Where the server listens, whatever the URLs' host says. Nil: on the network.
    package var unixSocket: String?
    /// Offer HTTP/2 where there is TLS. Its requests to one host share a connection.
    package var http2: Bool
    /// Bytes of a body, decoded, that are kept.
    package var maxResponse: Int
    package var userAgent: String
    /// Exchanges at one time, and so connections; more requests wait in order.
    package var maxConnections: Int

    /// What an engine may have open at once: its eventfd and epoll, libcurl's own wake of one or two, and for each
    /// exchange the three that a name server's answer takes, more than the two addresses of a name that are tried at
    /// once, or the connection and the file of authorities.
    package var mostDescriptors: Int { 4 + 3 * maxConnections }

    package init(
        connectTimeout: Duration = .seconds(5), timeout: Duration = .seconds(20), caFile: String? = nil,
        proxy: String? = nil, unixSocket: String? = nil, http2: Bool = true, maxResponse: Int = 65_536,
        userAgent: String = "leave-albumd",
        maxConnections: Int = 64
    ) {
        precondition(maxConnections > 0, "an engine without connections would never answer")
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.caFile = caFile
        self.proxy = proxy
        self.unixSocket = unixSocket
        self.http2 = http2
        self.maxResponse = maxResponse
        self.userAgent = userAgent
        self.maxConnections = maxConnections
    }
}
