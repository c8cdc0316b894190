public import Secrets

/// One endpoint of the broker. Prints without its password.
public struct BrokerURI: Equatable, Sendable {
    public let isTLS: Bool
    /// A name or a numeric address, without brackets.
    public let host: String
    public let port: UInt16
    public let vhost: String
    public let username: String?
    public let password: Secret?

    public init(
        isTLS: Bool, host: String, port: UInt16, vhost: String = "/", username: String? = nil, password: Secret? = nil
    ) {
        self.isTLS = isTLS
        self.host = host
        self.port = port
        self.vhost = vhost
        self.username = username
        self.password = password
    }
}
