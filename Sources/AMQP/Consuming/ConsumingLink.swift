public import Threads

/// A connection that consumes, on a thread of its own, remade for ever.
///
/// Deliveries are handed to `onEvent`; settlements come back as posts from any thread. Every delivery carries the
/// generation of its channel, so that a settlement for an older one is a no-op and never someone else's ack.
public final class ConsumingLink: Settling, RunningService {
    enum Command: Sendable {
        case ack(DeliveryTag)
        case nack(DeliveryTag)
        case abandon(DeliveryTag)
        case consume([ConsumedQueue])
    }

    private let counters = LinkCounters()
    private let thread: MailboxThread<Command>

    /// Connects at once. `privateQueue` is declared exclusive before anything is consumed, and while another has it
    /// this link stands by. Consumes nothing until told.
    public init(
        _ configuration: LinkConfiguration, privateQueue: PrivateQueue? = nil,
        clock: any Timekeeper = SystemTimekeeper(), onEvent: @escaping @Sendable (ConsumingEvent) -> Void
    ) throws(SystemCallError) {
        thread = try MailboxThread(link: "amqp consume", configuration, counters: counters, clock: clock) { link in
            ConsumingBehaviour(link, privateQueue: privateQueue, onEvent: onEvent)
        }
    }

    /// Consumes exactly these queues from now on, none if empty. The change is made when what is in hand has been
    /// settled, on a fresh channel: a channel that is cancelled and consumed again with deliveries in flight trips
    /// RabbitMQ 3.10.
    public func consume(_ queues: [ConsumedQueue]) {
        thread.post(.consume(queues))
    }

    public func ack(_ tag: DeliveryTag) { thread.post(.ack(tag)) }
    public func nack(_ tag: DeliveryTag) { thread.post(.nack(tag)) }
    public func abandon(_ tag: DeliveryTag) { thread.post(.abandon(tag)) }

    public func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    public var reading: LinkReading { counters.reading }

    /// Sends the acks that were posted and closes the connection: what is unsettled goes back to its queue.
    public func stop() { thread.stop() }
}
