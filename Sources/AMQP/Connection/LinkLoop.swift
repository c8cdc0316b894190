import Clocks
import Concurrency

/// The life of a link's thread: a connection, its loss, a wait, the next endpoint, until the link stops.
struct LinkLoop<Behaviour: LinkBehaviour & ~Copyable>: ~Copyable {
    private let context: LinkContext<Behaviour.Command>
    private var behaviour: Behaviour

    init(_ context: LinkContext<Behaviour.Command>, _ behaviour: consuming Behaviour) {
        self.context = context
        self.behaviour = behaviour
    }

    mutating func run() {
        while behaviour.wantsConnection || !context.isStopping {
            guard behaviour.wantsConnection else {
                idle(until: nil)
                continue
            }
            do throws(LinkError) {
                try connect()
            } catch {
                context.counters.update { $0.isConnected = false }
                guard let wait = behaviour.lose(error, rotation: context.rotation.failed()) else { break }
                idle(until: context.clock.now() + wait)
            }
        }
        behaviour.end(untaken: context.mailbox.close())
    }

    private mutating func connect() throws(LinkError) {
        var connection = try BrokerConnection(
            context.rotation.current, context.configuration, stallGuard: context.stallGuard)
        try behaviour.begin(&connection)
        context.rotation.succeeded()
        try behaviour.serve(&connection)
        connection.close()
        context.counters.update { $0.isConnected = false }
    }

    /// Takes commands without a connection, until the time has come, or with none until one of them wants a connection.
    private mutating func idle(until time: MonotonicTime?) {
        while true {
            context.mailbox.drain { behaviour.take($0) }
            if context.isStopping { return }
            guard let time else {
                if behaviour.wantsConnection { return }
                context.mailbox.wait()
                continue
            }
            let now = context.clock.now()
            guard now < time else { return }
            context.mailbox.wait(atMost: time - now)
        }
    }
}

extension MailboxThread {
    /// Starts the thread of a link: with a guard that frees it where the library would keep it.
    convenience init<Behaviour: LinkBehaviour & ~Copyable>(
        link name: String, _ configuration: LinkConfiguration, counters: LinkCounters = LinkCounters(),
        clock: any TimeSource = SystemTimeSource(),
        _ makeBehaviour: @escaping @Sendable (LinkContext<Message>) -> Behaviour
    ) throws(SystemCallError) where Behaviour.Command == Message {
        let stallGuard = try StallGuard(limit: configuration.requestTimeout * 2)
        do throws(SystemCallError) {
            try self.init(name: name) { mailbox in
                let context = LinkContext(
                    configuration, mailbox: mailbox, counters: counters, stallGuard: stallGuard, clock: clock)
                var loop = LinkLoop(context, makeBehaviour(context))
                loop.run()
                stallGuard.end()
            }
        } catch {
            stallGuard.end()
            throw error
        }
    }
}
