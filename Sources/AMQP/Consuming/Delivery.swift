/// A message in flight. It is settled once: settling consumes it, so that a second settle does not compile; forgetting
/// it hands it back to the broker and is counted.
package struct Delivery: ~Copyable, Sendable {
    /// The ways in which a delivery ends.
    package enum Settlement: Sendable {
        case acked
        case requeued
        case abandoned
        /// Unsettled: the caller that made the delivery takes the message back and will make another.
        case taken
    }

    package let message: IncomingMessage
    private let settler: any Settling
    private let onEnd: (@Sendable (Settlement) -> Void)?
    private var isSettled = false

    /// `onEnd` runs once, after the settlement was posted, however the delivery ends; it must not block.
    package init(
        of message: IncomingMessage, settler: any Settling, onEnd: (@Sendable (Settlement) -> Void)? = nil
    ) {
        self.message = message
        self.settler = settler
        self.onEnd = onEnd
    }

    deinit {
        guard !isSettled else { return }
        settler.abandon(message.tag)
        onEnd?(.abandoned)
    }

    /// Tells the broker to forget the message. Only after its outcome is durable and what it caused is confirmed.
    package consuming func ack() {
        isSettled = true
        settler.ack(message.tag)
        onEnd?(.acked)
    }

    /// Ends this value without settling: the caller that made it still has the message.
    package consuming func takeDelivery() {
        isSettled = true
        onEnd?(.taken)
    }

    /// Gives the message back to its queue, at the price of one delivery count. For shutdown.
    package consuming func requeue() {
        isSettled = true
        settler.nack(message.tag)
        onEnd?(.requeued)
    }
}

/// Where deliveries are settled: the consuming link, or a test's inbox.
///
/// Every call is a post, from any thread, which neither waits nor fails: a settlement of an older connection is a
/// counted no-op, because the broker has given that delivery out again.
package protocol Settling: Sendable {
    func ack(_ tag: DeliveryTag)
    /// basic.nack with requeue. It costs the message a delivery count.
    func nack(_ tag: DeliveryTag)
    /// As `nack`, for a delivery that was dropped without being settled: counted and logged.
    func abandon(_ tag: DeliveryTag)
}
