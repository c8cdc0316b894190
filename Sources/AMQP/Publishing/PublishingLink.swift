package import Clocks
package import Concurrency

/// A connection that publishes with confirms, on a thread of its own, remade for ever.
///
/// What was not confirmed when a connection is lost is published again on the next, in order, under the same
/// message-id: the broker may have it twice, and consumers deduplicate.
package final class PublishingLink: Publishing, RunningService {
    private let counters = LinkCounters()
    private let thread: MailboxThread<PendingPublication>

    package init(
        _ configuration: LinkConfiguration, clock: any TimeSource = SystemTimeSource(),
        onEvent: @escaping @Sendable (PublishingEvent) -> Void
    ) throws(SystemCallError) {
        thread = try MailboxThread(link: "amqp publish", configuration, counters: counters, clock: clock) { link in
            PublishingBehaviour(link, onEvent: onEvent)
        }
    }

    package func publish(_ publication: Publication) async -> PublishOutcome {
        await withCheckedContinuation { reply in
            if !thread.post(PendingPublication(publication, reply)) { reply.resume(returning: .unknown) }
        }
    }

    package func offer(_ publication: Publication) {
        let offered = Publication(
            exchange: publication.exchange, routingKey: publication.routingKey, isMandatory: false,
            properties: publication.properties, body: publication.body)
        if !thread.post(PendingPublication(offered, nil)) { counters.update { $0.offersDropped += 1 } }
    }

    package func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    package var reading: LinkReading { counters.reading }

    /// Answers what is unconfirmed as unknown, and closes the connection.
    package func stop() { thread.stop() }
}

/// A publication that somebody waits for, or one that is only offered. A class, because it moves from list to list until
/// it is answered.
final class PendingPublication: Sendable {
    let publication: Publication
    private let reply: CheckedContinuation<PublishOutcome, Never>?

    /// `reply`: nil for one that is only offered.
    init(_ publication: Publication, _ reply: CheckedContinuation<PublishOutcome, Never>?) {
        self.publication = publication
        self.reply = reply
    }

    /// Nobody waits for it, and it goes out once or not at all.
    var isOffered: Bool { reply == nil }

    func answer(_ outcome: PublishOutcome) { reply?.resume(returning: outcome) }
}

/// What the publishing link tells, on its own thread. A handler must not block.
package enum PublishingEvent: Sendable {
    case connected(endpoint: String)
    case lost(LinkError)
    /// The broker takes nothing for now (memory or disk); what is published waits.
    case blocked(reason: String)
    case unblocked
    case stopped
}
