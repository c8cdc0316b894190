import CLinux
import CRabbitMQ
import Threads

/// What a broker session's thread does.
struct BrokerSessionLoop: ~Copyable {
    private let configuration: LinkConfiguration
    private let mailbox: Mailbox<BrokerSession.Command>
    private let stallGuard: StallGuard
    private var rotation: EndpointRotation
    private var pending: [BrokerSession.Command] = []
    private var isStopping = false

    init(_ configuration: LinkConfiguration, mailbox: Mailbox<BrokerSession.Command>, stallGuard: StallGuard) {
        self.configuration = configuration
        self.mailbox = mailbox
        self.stallGuard = stallGuard
        rotation = EndpointRotation(configuration.endpoints)
    }

    mutating func run() {
        while !isStopping {
            // Nothing is connected until somebody asks.
            while pending.isEmpty {
                pending = takeNew()
                if pending.isEmpty { wait(for: nil, socket: -1) }
            }
            do throws(LinkError) {
                try session()
            } catch {
                _ = rotation.failed()
                // The request that found the fault was answered with it; what is behind it tries anew.
                failFirst(error)
            }
        }
        for command in pending + mailbox.close() {
            switch command {
            case .request(_, let reply):
                reply.resume(
                    returning: .failure(
                        LinkError(
                            .stopped, endpoint: rotation.current.description, attempted: "asking", words: "stopped")))
            case .ping(let answer): answer()
            case .stop: break
            }
        }
    }

    private func wait(for duration: Duration?, socket: Int32) {
        var descriptors = [
            pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
        ]
        poll(&descriptors, 2, duration.map { Int32(clamping: $0.milliseconds + 1) } ?? -1)
    }

    /// What came, without the tokens of the liveness board, which are given back here.
    private func takeNew() -> [BrokerSession.Command] {
        let commands = mailbox.takeAll()
        let work = commands.filter { command in
            guard case .ping(let answer) = command else { return true }
            answer()
            return false
        }
        // Only an empty take lets the owner sleep.
        return work.isEmpty && !commands.isEmpty ? takeNew() : work
    }

    private mutating func failFirst(_ error: LinkError) {
        guard !pending.isEmpty else { return }
        guard case .request(_, let reply) = pending.removeFirst() else {
            isStopping = true
            return
        }
        reply.resume(returning: .failure(error))
    }

    private mutating func session() throws(LinkError) {
        if case .stop? = pending.first {
            isStopping = true
            return
        }
        var connection = try BrokerConnection(rotation.current, configuration, stallGuard: stallGuard)
        try connection.openChannel()
        rotation.succeeded()
        while true {
            while let command = pending.first {
                guard case .request(let request, let reply) = command else {
                    isStopping = true
                    connection.close()
                    return
                }
                try answer(request, reply, &connection)
            }
            pending = takeNew()
            while let frame = try connection.receive() {
                switch frame {
                case .connectionClosed(let code, let text):
                    connection.acknowledgeConnectionClose()
                    throw LinkError(
                        .connectionClosed(code), endpoint: connection.endpoint.description, attempted: "idling",
                        words: text)
                case .channelClosed(_, _):
                    try connection.acknowledgeChannelClose()
                    try connection.openChannel()
                case .deliver, .returned, .header, .body, .confirm, .refuse, .consumerCancelled, .cancelConfirmed,
                    .blocked,
                    .unblocked, .heartbeat, .other:
                    break
                }
            }
            connection.release()
            if pending.isEmpty { wait(for: configuration.heartbeat / 3, socket: connection.descriptor) }
        }
    }

    /// Answers the first pending request. A refusal is its answer; a lost connection is thrown, with it still pending.
    private mutating func answer(
        _ request: BrokerRequest, _ reply: CheckedContinuation<Result<BrokerAnswer, LinkError>, Never>,
        _ connection: inout BrokerConnection
    ) throws(LinkError) {
        do throws(LinkError) {
            let answer = try perform(request, &connection)
            pending.removeFirst()
            reply.resume(returning: .success(answer))
        } catch {
            guard case .channelClosed = error.kind else { throw error }
            pending.removeFirst()
            reply.resume(returning: .failure(error))
            try connection.openChannel()
        }
    }

    private func perform(
        _ request: BrokerRequest, _ connection: inout BrokerConnection
    ) throws(LinkError) -> BrokerAnswer {
        let channel = BrokerConnection.channel
        switch request {
        case .nothing:
            return BrokerAnswer()
        case .declareQueue(let queue):
            let verb = queue.isPassive ? "looking for" : "declaring"
            return try connection.request("\(verb) queue \(queue.name)") { state, arena -> BrokerAnswer? in
                amqp_queue_declare(
                    state, channel, arena.bytes(queue.name), queue.isPassive ? 1 : 0, queue.isDurable ? 1 : 0,
                    queue.isExclusive ? 1 : 0, queue.isAutoDelete ? 1 : 0, arena.table(queue.arguments)
                ).map {
                    BrokerAnswer(messages: Int($0.pointee.message_count), consumers: Int($0.pointee.consumer_count))
                }
            }
        case .declareExchange(let exchange):
            let verb = exchange.isPassive ? "looking for" : "declaring"
            return try connection.request("\(verb) exchange \(exchange.name)") { state, arena -> BrokerAnswer? in
                amqp_exchange_declare(
                    state, channel, arena.bytes(exchange.name), arena.bytes(exchange.type), exchange.isPassive ? 1 : 0,
                    1, 0, 0, amqp_empty_table
                ).map { _ in BrokerAnswer() }
            }
        case .bind(let queue, let exchange, let key):
            return try connection.request(
                "binding queue \(queue) to exchange \(exchange)"
            ) { state, arena -> BrokerAnswer? in
                amqp_queue_bind(
                    state, channel, arena.bytes(queue), arena.bytes(exchange), arena.bytes(key), amqp_empty_table
                ).map { _ in BrokerAnswer() }
            }
        case .deleteExchange(let exchange):
            return try connection.request("deleting exchange \(exchange)") { state, arena -> BrokerAnswer? in
                amqp_exchange_delete(state, channel, arena.bytes(exchange), 0).map { _ in BrokerAnswer() }
            }
        case .deleteQueue(let queue):
            return try connection.request("deleting queue \(queue)") { state, arena -> BrokerAnswer? in
                amqp_queue_delete(state, channel, arena.bytes(queue), 0, 0).map { _ in BrokerAnswer() }
            }
        case .purge(let queue):
            return try connection.request("purging queue \(queue)") { state, arena -> BrokerAnswer? in
                amqp_queue_purge(state, channel, arena.bytes(queue)).map {
                    BrokerAnswer(messages: Int($0.pointee.message_count))
                }
            }
        }
    }
}
