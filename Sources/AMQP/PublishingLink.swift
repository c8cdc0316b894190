public import Threads

/// A connection that publishes with confirms, on a thread of its own, remade for ever.
///
/// What was not confirmed when a connection is lost is published again on the next, in order, under the same
/// message-id: the broker may have it twice, and consumers deduplicate.
public final class PublishingLink: Publishing {
    typealias Reply = CheckedContinuation<PublishOutcome, Never>

    enum Command: Sendable {
        case publish(Publication, Reply)
        case ping(@Sendable () -> Void)
        case stop
    }

    private let mailbox: Mailbox<Command>
    private let counters = LinkCounters()
    private let thread: NativeThread

    public init(
        _ configuration: LinkConfiguration, clock: any Timekeeper = SystemTimekeeper(),
        onEvent: @escaping @Sendable (PublishingEvent) -> Void
    ) throws(SystemCallError) {
        let mailbox = try Mailbox<Command>()
        let stallGuard = try StallGuard(limit: configuration.requestTimeout * 2)
        self.mailbox = mailbox
        let counters = self.counters
        thread = try NativeThread(name: "amqp publish") {
            var loop = PublishingLoop(
                configuration, mailbox: mailbox, counters: counters, stallGuard: stallGuard, clock: clock,
                onEvent: onEvent)
            loop.run()
            stallGuard.end()
        }
    }

    public func publish(_ publication: Publication) async -> PublishOutcome {
        await withCheckedContinuation { reply in
            if !mailbox.post(.publish(publication, reply)) { reply.resume(returning: .unknown) }
        }
    }

    public func ping(_ answer: @escaping @Sendable () -> Void) {
        if !mailbox.post(.ping(answer)) { answer() }
    }

    public var reading: LinkReading { counters.reading }

    /// Answers what is unconfirmed as unknown, closes the connection and ends the thread. Not from a task: it waits.
    public func stop() {
        // Refused by a thread that is about to end, which is waited for all the same.
        mailbox.post(.stop)
        thread.join()
    }
}
