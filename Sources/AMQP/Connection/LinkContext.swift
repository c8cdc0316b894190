import Clocks
import Concurrency

/// What a link's loop and its behaviour share. The link's thread's alone.
final class LinkContext<Command: Sendable> {
    let configuration: LinkConfiguration
    let mailbox: MailboxOwner<Command>
    let counters: LinkCounters
    let stallGuard: StallGuard
    let clock: any TimeSource
    var rotation: EndpointRotation

    init(
        _ configuration: LinkConfiguration, mailbox: MailboxOwner<Command>, counters: LinkCounters,
        stallGuard: StallGuard, clock: any TimeSource
    ) {
        self.configuration = configuration
        self.mailbox = mailbox
        self.counters = counters
        self.stallGuard = stallGuard
        self.clock = clock
        rotation = EndpointRotation(configuration.endpoints)
    }

    /// Learned by taking commands.
    var isStopping: Bool { mailbox.isStopping }

    /// Until a command or bytes from the broker come. Only after an empty take.
    func wait(atMost duration: Duration, _ connection: borrowing BrokerConnection) {
        mailbox.wait(atMost: duration, alsoReadable: [connection.descriptor])
    }

    func countConnection(to endpoint: String) {
        counters.update {
            if !$0.endpoint.isEmpty { $0.reconnects += 1 }
            $0.isConnected = true
            $0.endpoint = endpoint
        }
    }
}
