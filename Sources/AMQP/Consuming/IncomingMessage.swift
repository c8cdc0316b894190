package import Clocks
package import Secrets

/// Which delivery of which connection: a tag means something on its own connection only.
package struct DeliveryTag: Hashable, Sendable {
    /// Counts the link's connections from 1.
    package let generation: UInt64
    /// The broker's delivery tag.
    package let number: UInt64

    package init(generation: UInt64, number: UInt64) {
        self.generation = generation
        self.number = number
    }
}

/// A message as it was delivered, copied out of the library's memory. A class, because it is passed on often and
/// never changes.
package final class IncomingMessage: Sendable {
    package enum Body: Sendable {
        case complete([UInt8])
        /// Larger than the link's cap: its first bytes only. The digest is of the whole.
        case truncated(prefix: [UInt8], size: UInt64, sha256: SHA256Digest)
    }

    package let tag: DeliveryTag
    /// The queue it was consumed from.
    package let queue: String
    package let exchange: String
    package let routingKey: String
    package let isRedelivered: Bool
    package let properties: Properties
    package let body: Body
    package let receivedAt: MonotonicTime

    package init(
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
