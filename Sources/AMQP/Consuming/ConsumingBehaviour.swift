import CLinux
import CRabbitMQ
import Clocks
import Concurrency

/// Consumes: deliveries become events, settlements go back.
struct ConsumingBehaviour: LinkBehaviour, ~Copyable {
    private let link: LinkContext<ConsumingLink.Command>
    private let privateQueue: PrivateQueue?
    private let onEvent: @Sendable (ConsumingEvent) -> Void
    private var wanted: [ConsumedQueue] = []
    private var consumed: [ConsumedQueue] = []
    private var drainingSince: MonotonicTime?
    /// Consumers that were cancelled and of which deliveries may still be on their way.
    private var unconfirmedCancels = 0
    private var generation: UInt64 = 0
    private var coalescer = AckCoalescer()
    private var assembler: FrameAssembler
    private var nacks: [UInt64] = []

    /// Frames taken before commands have their turn again.
    private static let framesPerRound = 256
    /// What is in flight when the queues change has this long to be settled; then it goes back to the broker at the
    /// price of a delivery count.
    private static let longestDrain = Duration.seconds(10)

    init(
        _ link: LinkContext<ConsumingLink.Command>, privateQueue: PrivateQueue?,
        onEvent: @escaping @Sendable (ConsumingEvent) -> Void
    ) {
        self.link = link
        self.privateQueue = privateQueue
        self.onEvent = onEvent
        assembler = FrameAssembler(maximumBody: link.configuration.maximumBody)
    }

    // MARK: From connection to connection

    var wantsConnection: Bool { !link.isStopping }

    mutating func lose(_ error: LinkError, rotation wait: Duration) -> Duration? {
        consumed = []
        drainingSince = nil
        nacks = []
        onEvent(.lost(generation: generation, error))
        // Settlements that come from now on are of an older generation.
        generation += 1
        coalescer = AckCoalescer()
        return link.configuration.reconnects ? wait : nil
    }

    /// Settlements that nobody took are the broker's to repeat.
    mutating func end(untaken: [ConsumingLink.Command]) {
        onEvent(.stopped)
    }

    // MARK: One connection

    mutating func begin(_ connection: inout BrokerConnection) throws(LinkError) {
        let endpoint = connection.endpoint.description
        link.countConnection(to: endpoint)
        onEvent(.connected(endpoint: endpoint))
        try connection.openChannel()
        try claimPrivateQueue(&connection)
    }

    mutating func serve(_ connection: inout BrokerConnection) throws(LinkError) {
        while !link.isStopping {
            beginGeneration()
            try consumeWanted(&connection)
            try pump(&connection)
            guard !link.isStopping else { break }
            // The queues change: a fresh channel, so that no delivery of the old one can be mixed up with its own.
            try connection.closeChannel()
            if coalescer.outstanding > 0 {
                onEvent(
                    .lost(
                        generation: generation,
                        LinkError(
                            .stopped, endpoint: connection.endpoint.description,
                            attempted: "changing the consumed queues",
                            message: "\(coalescer.outstanding) deliveries were not settled in time")))
            }
            try connection.openChannel()
        }
        try sendSettlements(&connection)
    }

    private mutating func beginGeneration() {
        generation += 1
        coalescer = AckCoalescer()
        assembler = FrameAssembler(maximumBody: link.configuration.maximumBody)
        nacks = []
        drainingSince = nil
        unconfirmedCancels = 0
    }

    private mutating func claimPrivateQueue(_ connection: inout BrokerConnection) throws(LinkError) {
        guard let privateQueue else { return }
        var isStandby = false
        while !link.isStopping {
            do throws(LinkError) {
                try declare(privateQueue, &connection)
                return
            } catch {
                guard case .channelClosed(405) = error.kind else { throw error }
                // https://www.rabbitmq.com/docs/queues#exclusive-queues
                // Another worker has it, or the broker has not yet noticed that its last owner is gone.
                if !isStandby { onEvent(.standby(error)) }
                isStandby = true
                try connection.openChannel()
                try pumpIdly(&connection, until: link.clock.now() + link.configuration.heartbeat)
            }
        }
    }

    private func declare(_ queue: PrivateQueue, _ connection: inout BrokerConnection) throws(LinkError) {
        _ = try connection.request("declaring the exclusive queue \(queue.name)") { state, arena in
            amqp_queue_declare(
                state, BrokerConnection.channel, arena.bytes(queue.name), 0, 0, 1, 1, amqp_empty_table)?.pointee
        }
        for binding in queue.bindings {
            _ = try connection.request("binding queue \(queue.name) to exchange \(binding.exchange)") { state, arena in
                amqp_queue_bind(
                    state, BrokerConnection.channel, arena.bytes(queue.name), arena.bytes(binding.exchange),
                    arena.bytes(binding.routingKey), amqp_empty_table)?.pointee
            }
        }
    }

    /// Keeps the heartbeats going while there is nothing to consume yet.
    private mutating func pumpIdly(_ connection: inout BrokerConnection, until time: MonotonicTime) throws(LinkError) {
        while !link.isStopping {
            link.mailbox.drain { take($0) }
            while let frame = try connection.receive() { try handle(frame, &connection) }
            connection.release()
            let now = link.clock.now()
            guard now < time, !link.isStopping else { return }
            link.wait(atMost: min(time - now, pumpInterval), connection)
        }
    }

    /// A third of the heartbeat: the library sends one only when it is called.
    private var pumpInterval: Duration { link.configuration.heartbeat / 3 }

    /// The heartbeat, or the end of a drain that takes too long.
    private var untilNextDuty: Duration {
        guard let since = drainingSince, !wanted.isEmpty else { return pumpInterval }
        return max(.zero, min(pumpInterval, since + Self.longestDrain - link.clock.now()))
    }

    private mutating func consumeWanted(_ connection: inout BrokerConnection) throws(LinkError) {
        consumed = wanted
        for queue in consumed {
            // Ten requests of a broker that takes seconds for each: the loop is not stuck meanwhile.
            link.mailbox.drain { take($0) }
            // https://www.rabbitmq.com/docs/consumer-prefetch
            // On a quorum queue a prefetch holds for the consumers that come after it on the channel.
            _ = try connection.request("setting the prefetch of \(queue.name)") { state, _ in
                amqp_basic_qos(state, BrokerConnection.channel, 0, queue.prefetch, 0)?.pointee
            }
            _ = try connection.request("consuming queue \(queue.name)") { state, arena in
                amqp_basic_consume(
                    state, BrokerConnection.channel, arena.bytes(queue.name), arena.bytes(queue.name), 0, 0, 0,
                    amqp_empty_table)?.pointee
            }
        }
        onEvent(.consuming(generation: generation, queues: consumed.map(\.name)))
    }

    /// Until the link stops or other queues are wanted and what is in flight has been settled.
    private mutating func pump(_ connection: inout BrokerConnection) throws(LinkError) {
        var commands = link.mailbox.takeAll()
        while true {
            for command in commands { take(command) }
            try sendSettlements(&connection)
            if link.isStopping { return }
            if try change(&connection) { return }
            var frames = 0
            while frames < Self.framesPerRound, let frame = try connection.receive() {
                try handle(frame, &connection)
                frames += 1
            }
            connection.release()
            commands = link.mailbox.takeAll()
            if frames == 0, commands.isEmpty, !connection.hasBufferedInput {
                link.wait(atMost: untilNextDuty, connection)
                commands = link.mailbox.takeAll()
            }
        }
    }

    /// Cancels the consumers when other queues are wanted. True when it is time for a fresh channel.
    private mutating func change(_ connection: inout BrokerConnection) throws(LinkError) -> Bool {
        guard wanted != consumed || drainingSince != nil else { return false }
        if drainingSince == nil {
            drainingSince = link.clock.now()
            for queue in consumed {
                try connection.send("cancelling the consumer of \(queue.name)") { state, arena in
                    var cancel = amqp_basic_cancel_t(consumer_tag: arena.bytes(queue.name), nowait: 0)
                    return amqp_send_method(state, BrokerConnection.channel, AMQP_BASIC_CANCEL_METHOD, &cancel)
                }
            }
            unconfirmedCancels = consumed.count
        }
        guard !wanted.isEmpty, let since = drainingSince else { return false }
        // Before the broker's word, a delivery may be on its way that a closed channel would cost a delivery count.
        return (coalescer.outstanding == 0 && unconfirmedCancels == 0) || link.clock.now() - since > Self.longestDrain
    }

    // MARK: Commands

    mutating func take(_ command: ConsumingLink.Command) {
        switch command {
        case .ack(let tag):
            if tag.generation != generation || !coalescer.ack(tag.number) {
                link.counters.update { $0.staleSettlements += 1 }
            }
        case .nack(let tag): nack(tag)
        case .abandon(let tag):
            link.counters.update { $0.abandonedDeliveries += 1 }
            nack(tag)
        case .consume(let queues): wanted = queues
        }
    }

    private mutating func nack(_ tag: DeliveryTag) {
        if tag.generation == generation, coalescer.settle(tag.number) {
            nacks.append(tag.number)
        } else {
            link.counters.update { $0.staleSettlements += 1 }
        }
    }

    private mutating func sendSettlements(_ connection: inout BrokerConnection) throws(LinkError) {
        for ack in coalescer.flush() {
            try connection.ack(ack.tag, multiple: ack.multiple)
        }
        for tag in nacks { try connection.requeue(tag) }
        nacks = []
        try connection.flush("settling")
    }

    // MARK: Frames

    private mutating func handle(_ frame: Frame, _ connection: inout BrokerConnection) throws(LinkError) {
        switch frame {
        case .channelClosed(let code, let text):
            try connection.acknowledgeChannelClose()
            throw connection.fault(.channelClosed(code), "consuming", text)
        case .connectionClosed(let code, let text):
            connection.acknowledgeConnectionClose()
            throw connection.fault(.connectionClosed(code), "consuming", text)
        case .consumerCancelled(let tag):
            throw connection.fault(
                .consumerCancelled, "consuming",
                "the broker ended the consumer of \(tag); its queue was deleted or moved")
        case .deliver, .header, .body, .returned:
            switch assembler.take(frame) {
            case .delivered(let deliver, let properties, let body): receive(deliver, properties, body)
            case .violation(let message): throw connection.fault(.protocolViolation, "consuming", message)
            case .returned, nil: break
            }
        case .cancelConfirmed: unconfirmedCancels -= 1
        case .blocked, .unblocked, .heartbeat, .confirm, .refuse, .other:
            break
        }
    }

    private mutating func receive(_ deliver: Frame.Deliver, _ properties: Properties, _ body: FrameAssembler.Body) {
        coalescer.delivered(deliver.deliveryTag)
        let content: IncomingMessage.Body
        switch body {
        case .complete(let bytes): content = .complete(bytes)
        case .truncated(let prefix, let size, let sha256):
            content = .truncated(prefix: prefix, size: size, sha256: sha256)
        }
        onEvent(
            .message(
                IncomingMessage(
                    tag: DeliveryTag(generation: generation, number: deliver.deliveryTag),
                    queue: deliver.consumerTag, exchange: deliver.exchange, routingKey: deliver.routingKey,
                    isRedelivered: deliver.isRedelivered, properties: properties, body: content,
                    receivedAt: link.clock.now())))
    }
}
