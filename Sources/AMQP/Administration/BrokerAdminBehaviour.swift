import CLinux
import CRabbitMQ
import Clocks
import Concurrency

/// Asks and declares: one request after another, on a connection that is made for the first.
struct BrokerAdminBehaviour: LinkBehaviour, ~Copyable {
    private let link: LinkContext<PendingRequest>
    private var pending: [PendingRequest] = []

    init(_ link: LinkContext<PendingRequest>) {
        self.link = link
    }

    // MARK: From connection to connection

    /// Nothing is connected until somebody asks, and who asked before the stop is answered before it.
    var wantsConnection: Bool { !pending.isEmpty }

    mutating func take(_ request: PendingRequest) {
        pending.append(request)
    }

    /// The request that found the fault is answered with it; what is behind it tries anew, at once.
    mutating func lose(_ error: LinkError, rotation: Duration) -> Duration? {
        if !pending.isEmpty { pending.removeFirst().reply.resume(returning: .failure(error)) }
        return .zero
    }

    mutating func end(untaken: [PendingRequest]) {
        let error = LinkError(
            .stopped, endpoint: link.rotation.current.description, attempted: "asking", message: "stopped")
        for request in pending + untaken { request.reply.resume(returning: .failure(error)) }
    }

    // MARK: One connection

    mutating func begin(_ connection: inout BrokerConnection) throws(LinkError) {
        try connection.openChannel()
    }

    mutating func serve(_ connection: inout BrokerConnection) throws(LinkError) {
        while true {
            while let request = pending.first { try answer(request, &connection) }
            if link.isStopping { return }
            pending = link.mailbox.takeAll()
            while let frame = try connection.receive() {
                switch frame {
                case .connectionClosed(let code, let text):
                    connection.acknowledgeConnectionClose()
                    throw LinkError(
                        .connectionClosed(code), endpoint: connection.endpoint.description, attempted: "idling",
                        message: text)
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
            if pending.isEmpty { link.wait(atMost: link.configuration.heartbeat / 3, connection) }
        }
    }

    /// Answers the first pending request. A refusal is its answer; a lost connection is thrown, with it still pending.
    private mutating func answer(_ pending: PendingRequest, _ connection: inout BrokerConnection) throws(LinkError) {
        do throws(LinkError) {
            let answer = try perform(pending.request, &connection)
            self.pending.removeFirst()
            pending.reply.resume(returning: .success(answer))
        } catch {
            guard case .channelClosed = error.kind else { throw error }
            self.pending.removeFirst()
            pending.reply.resume(returning: .failure(error))
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
