public import Secrets
public import Threads

/// Which delivery of which connection: a tag means something on its own connection only.
public struct DeliveryTag: Hashable, Sendable {
    /// Counts the link's connections from 1.
    public let generation: UInt64
    /// The broker's delivery tag.
    public let number: UInt64

    public init(generation: UInt64, number: UInt64) {
        self.generation = generation
        self.number = number
    }
}

/// A message as it was delivered, copied out of the library's memory. A class, because it goes through many hands and
/// never changes.
public final class IncomingMessage: Sendable {
    public enum Body: Sendable {
        case complete([UInt8])
        /// Larger than the link's cap: its first bytes only. The digest is of the whole.
        case truncated(prefix: [UInt8], size: UInt64, sha256: SHA256Digest)
    }

    public let tag: DeliveryTag
    /// The queue it was consumed from.
    public let queue: String
    public let exchange: String
    public let routingKey: String
    public let isRedelivered: Bool
    public let properties: Properties
    public let body: Body
    public let receivedAt: MonotonicTime

    public init(
        tag: DeliveryTag, queue: String, exchange: String, routingKey: String, isRedelivered: Bool,
        properties: Properties, body: Body, receivedAt: MonotonicTime
    ) {
        self.tag = tag
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
        self.isRedelivered = isRedelivered
        self.properties = properties
        self.body = body
        self.receivedAt = receivedAt
    }
}
