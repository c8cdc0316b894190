public import Secrets

/// How a link connects and what it bears.
public struct LinkConfiguration: Sendable {
    public enum Authentication: Sendable {
        case plain(username: String, password: Secret)
        /// The client certificate says who it is.
        case external
    }

    /// Tried in turn, each with a budget of its own.
    public var endpoints: [Endpoint]
    /// Asked for at each connection, on the link's thread, so that a changed password needs no restart. What it throws
    /// counts as a refused login: the link tries again.
    public var authentication: @Sendable () throws -> Authentication
    /// What the broker's management shows.
    public var connectionName: String
    /// The interval at which this side sends; the broker is given up after twice that without a byte. Whole seconds.
    public var heartbeat: Duration
    public var connectTimeout: Duration
    /// For the handshake and for each request and its answer. A timeout means that the link is lost.
    public var requestTimeout: Duration
    /// How long the broker may leave publications unanswered, unless it is blocked. Then the link is lost, and they are
    /// sent again on the next.
    public var confirmTimeout: Duration
    /// Larger bodies are delivered truncated, with the digest of the whole.
    public var maximumBody: Int
    /// Publications sent and not confirmed; more wait here.
    public var unconfirmedWindow: Int
    /// Whether a lost connection is tried again for ever, with backoff.
    public var reconnects: Bool

    /// What a link or a session may have open at once: its mailbox's eventfd and its guard's, its socket and the guard's
    /// duplicate; while it connects, a question for a name with the two that the resolver takes, and a file of
    /// authorities.
    public static let mostDescriptors = 8

    public init(
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
