import Threads

/// Why a connection could not be made or was given up, or a request was refused.
public struct LinkError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// No such name, refused, reset, unreachable.
        case unreachable
        /// No descriptor was free on this side: it says nothing of the broker.
        case descriptors
        /// The certificate or the handshake.
        case tls
        /// User, password or virtual host.
        case loginRefused
        /// The broker closed the connection, with its reply code.
        case connectionClosed(Int)
        /// The broker closed the channel, with its reply code: 403 permission, 404 no such thing, 405 locked,
        /// 406 other arguments or a delivery held too long.
        case channelClosed(Int)
        case timeout
        case heartbeatMissed
        /// What came is not AMQP 0-9-1 as it should be.
        case protocolViolation
        /// The broker took a consumer away: its queue was deleted, or moved.
        case consumerCancelled
        /// This side stopped it.
        case stopped
    }

    public var kind: Kind
    public var endpoint: String
    public var attempted: String
    /// The broker's or the library's own words.
    public var words: String

    public init(_ kind: Kind, endpoint: String, attempted: String, words: String) {
        self.kind = kind
        self.endpoint = endpoint
        self.attempted = attempted
        self.words = words
    }

    public var description: String { "\(attempted) at \(endpoint): \(words)" }

    /// As `description`, for a line that has said already that it is about connecting.
    public var afterConnecting: String { attempted == "connecting" ? "\(endpoint): \(words)" : description }

    /// The broker's reply code, if it gave one.
    public var code: Int? {
        switch kind {
        case .connectionClosed(let code), .channelClosed(let code): code
        case .unreachable, .descriptors, .tls, .loginRefused, .timeout, .heartbeatMissed, .protocolViolation,
            .consumerCancelled, .stopped:
            nil
        }
    }

    /// The same by its true name, if a descriptor was all that was missing.
    func told(_ shortage: DescriptorShortage?) -> LinkError {
        guard let shortage, kind != .timeout else { return self }
        return LinkError(.descriptors, endpoint: endpoint, attempted: attempted, words: shortage.description)
    }
}
