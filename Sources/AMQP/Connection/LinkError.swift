import Concurrency

/// Why a connection could not be made or was given up, or a request was refused.
package struct LinkError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
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
        /// https://www.rabbitmq.com/docs/consumer-cancel
        case consumerCancelled
        /// This side stopped it.
        case stopped
    }

    package var kind: Kind
    package var endpoint: String
    package var attempted: String
    /// The message of the broker or of the library.
    package var message: String

    package init(_ kind: Kind, endpoint: String, attempted: String, message: String) {
        self.kind = kind
        self.endpoint = endpoint
        self.attempted = attempted
        self.message = message
    }

    package var description: String { "\(attempted) at \(endpoint): \(message)" }

    /// As `description`, for a line that has said already that it is about connecting.
    package var afterConnecting: String { attempted == "connecting" ? "\(endpoint): \(message)" : description }

    /// The broker's reply code, if it gave one.
    package var code: Int? {
        switch kind {
        case .connectionClosed(let code), .channelClosed(let code): code
        case .unreachable, .descriptors, .tls, .loginRefused, .timeout, .heartbeatMissed, .protocolViolation,
            .consumerCancelled, .stopped:
            nil
        }
    }

    /// This error, named as a shortage of descriptors if that was its cause.
    func explained(_ shortage: DescriptorShortage?) -> LinkError {
        guard let shortage, kind != .timeout else { return self }
        return LinkError(.descriptors, endpoint: endpoint, attempted: attempted, message: shortage.description)
    }
}
