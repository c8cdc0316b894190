public import Threads

/// A connection that consumes, on a thread of its own, remade for ever.
///
/// Deliveries are handed to `onEvent`; settlements come back as posts from any thread. Every delivery carries the
/// generation of its channel, so that a settlement for an older one is a no-op and never someone else's ack.
public final class ConsumingLink: Settling {
    enum Command: Sendable {
        case ack(DeliveryTag)
        case nack(DeliveryTag)
        case abandon(DeliveryTag)
        case consume([ConsumedQueue])
        case ping(@Sendable () -> Void)
        case stop
    }

    private let mailbox: Mailbox<Command>
    private let counters = LinkCounters()
    private let thread: NativeThread

    /// Connects at once. `privateQueue` is declared exclusive before anything is consumed, and while another has it
    /// this link stands by. Consumes nothing until told.
    public init(
        _ configuration: LinkConfiguration, privateQueue: PrivateQueue? = nil,
        clock: any Timekeeper = SystemTimekeeper(), onEvent: @escaping @Sendable (ConsumingEvent) -> Void
    ) throws(SystemCallError) {
        let mailbox = try Mailbox<Command>()
        let stallGuard = try StallGuard(limit: configuration.requestTimeout * 2)
        self.mailbox = mailbox
        let counters = self.counters
        thread = try NativeThread(name: "amqp consume") {
            var loop = ConsumingLoop(
                configuration, privateQueue: privateQueue, mailbox: mailbox, counters: counters,
                stallGuard: stallGuard, clock: clock, onEvent: onEvent)
            loop.run()
            stallGuard.end()
        }
    }

    /// Consumes exactly these queues from now on, none if empty. The change is made when what is in hand has been
    /// settled, on a fresh channel: a channel that is cancelled and consumed again with deliveries in flight trips
    /// RabbitMQ 3.10.
    public func consume(_ queues: [ConsumedQueue]) {
        mailbox.post(.consume(queues))
    }

    public func ack(_ tag: DeliveryTag) { mailbox.post(.ack(tag)) }
    public func nack(_ tag: DeliveryTag) { mailbox.post(.nack(tag)) }
    public func abandon(_ tag: DeliveryTag) { mailbox.post(.abandon(tag)) }

    /// Answered by the link's thread when it comes round: proof that it lives.
    public func ping(_ answer: @escaping @Sendable () -> Void) {
        if !mailbox.post(.ping(answer)) { answer() }
    }

    public var reading: LinkReading { counters.reading }

    /// Sends the acks that were posted, closes the connection (what is unsettled goes back to its queue) and ends the
    /// thread. Not from a task: it waits.
    public func stop() {
        // Refused by a thread that is about to end, which is waited for all the same.
        mailbox.post(.stop)
        thread.join()
    }
}
