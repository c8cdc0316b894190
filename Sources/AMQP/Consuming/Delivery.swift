/// A message in hand. It is settled once: settling consumes it, so that a second settle does not compile; forgetting
/// it hands it back to the broker and is counted.
public struct Delivery: ~Copyable, Sendable {
    /// How a delivery left the hand.
    public enum Ending: Sendable {
        case acked
        case handedBack
        case abandoned
        /// It went back to whoever minted it, unsettled, to be minted again.
        case returned
    }

    public let message: IncomingMessage
    private let settler: any Settling
    private let onEnd: (@Sendable (Ending) -> Void)?
    private var isSettled = false

    /// `onEnd` runs once, after the settlement was posted, however the delivery ends; it must not block.
    public init(
        of message: IncomingMessage, settler: any Settling, onEnd: (@Sendable (Ending) -> Void)? = nil
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
    public consuming func ack() {
        isSettled = true
        settler.ack(message.tag)
        onEnd?(.acked)
    }

    /// Gives the message back to whoever minted this delivery and still holds the message: nothing is settled.
    public consuming func relinquish() {
        isSettled = true
        onEnd?(.returned)
    }

    /// Gives the message back to its queue, at the price of one delivery count. For shutdown.
    public consuming func handBack() {
        isSettled = true
        settler.nack(message.tag)
        onEnd?(.handedBack)
    }
}
