package import Clocks
package import Concurrency

/// A connection that consumes, on a thread of its own, remade for ever.
///
/// Deliveries are handed to `onEvent`; settlements come back as posts from any thread. Every delivery carries the
/// generation of its channel, so that a settlement for an older one is a no-op and never someone else's ack.
package final class ConsumingLink: Settling, RunningService {
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
    package init(
        _ configuration: LinkConfiguration, privateQueue: PrivateQueue? = nil,
        clock: any TimeSource = SystemTimeSource(), onEvent: @escaping @Sendable (ConsumingEvent) -> Void
    ) throws(SystemCallError) {
        thread = try MailboxThread(link: "amqp consume", configuration, counters: counters, clock: clock) { link in
            ConsumingBehaviour(link, privateQueue: privateQueue, onEvent: onEvent)
        }
    }

    /// Consumes exactly these queues from now on, none if empty. The change is made when what is in flight has been
    /// settled, on a fresh channel: a channel that is cancelled and consumed again with deliveries in flight trips
    /// RabbitMQ 3.10.
    package func consume(_ queues: [ConsumedQueue]) {
        thread.post(.consume(queues))
    }

    package func ack(_ tag: DeliveryTag) { thread.post(.ack(tag)) }
    package func nack(_ tag: DeliveryTag) { thread.post(.nack(tag)) }
    package func abandon(_ tag: DeliveryTag) { thread.post(.abandon(tag)) }

    package func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    package var reading: LinkReading { counters.reading }

    /// Sends the acks that were posted and closes the connection: what is unsettled goes back to its queue.
    package func stop() { thread.stop() }
}

/// What the consuming link tells, on its own thread. A handler must not block.
package enum ConsumingEvent: Sendable {
    case connected(endpoint: String)
    /// The queues are consumed; deliveries carry this generation.
    case consuming(generation: UInt64, queues: [String])
    case message(IncomingMessage)
    /// The deliveries up to this generation are the broker's again.
    case lost(generation: UInt64, LinkError)
    /// The private queue is another worker's: waiting for it to go.
    case standby(LinkError)
    case stopped
}
