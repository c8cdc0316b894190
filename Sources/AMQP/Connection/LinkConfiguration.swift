package import Secrets

/// How a link connects and what it bears.
package struct LinkConfiguration: Sendable {
    package enum Authentication: Sendable {
        case plain(username: String, password: Secret)
        /// The client certificate says who it is.
        case external
    }

    /// Tried in turn, each with a budget of its own.
    package var endpoints: [Endpoint]
    /// Asked for at each connection, on the link's thread, so that a changed password needs no restart. What it throws
    /// counts as a refused login: the link tries again.
    package var authentication: @Sendable () throws -> Authentication
    /// What the broker's management shows.
    package var connectionName: String
    /// The interval at which this side sends; the broker is given up after twice that without a byte. Whole seconds.
    package var heartbeat: Duration
    package var connectTimeout: Duration
    /// Timeout of the handshake and of each request. When it passes, the connection counts as lost.
    package var requestTimeout: Duration
    /// How long the broker may leave publications unanswered, unless it is blocked. Then the link is lost, and they are
    /// sent again on the next.
    package var confirmTimeout: Duration
    /// How long the broker may refuse all publications to one place before another channel is tried.
    package var refusalTimeout = Duration.seconds(5)
    /// Larger bodies are delivered truncated, with the digest of the whole.
    package var maximumBody: Int
    /// Publications sent and not confirmed; more wait here.
    package var unconfirmedWindow: Int
    /// Whether a lost connection is tried again for ever, with backoff.
    package var reconnects: Bool

    /// What a link or a session may have open at once: its mailbox's eventfd and its guard's, its socket and the
    /// guard's duplicate; while it connects, a question for a name with the two that the resolver takes, and a file of
    /// authorities.
    package static let mostDescriptors = 8

    package init(
        endpoints: [Endpoint], authentication: @autoclosure @escaping @Sendable () throws -> Authentication,
        connectionName: String,
        heartbeat: Duration = .seconds(10), connectTimeout: Duration = .seconds(5),
        requestTimeout: Duration = .seconds(10), confirmTimeout: Duration = .seconds(30), maximumBody: Int = 1 << 20,
        unconfirmedWindow: Int = 256,
        reconnects: Bool = true
    ) {
        precondition(!endpoints.isEmpty, "the settings guarantee an endpoint")
        self.endpoints = endpoints
        self.authentication = authentication
        self.connectionName = connectionName
        self.heartbeat = heartbeat
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.confirmTimeout = confirmTimeout
        self.maximumBody = maximumBody
        self.unconfirmedWindow = unconfirmedWindow
        self.reconnects = reconnects
    }
}
