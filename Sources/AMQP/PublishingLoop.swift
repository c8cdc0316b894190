import CLinux
import CRabbitMQ
import Threads

/// What the publishing link's thread does.
struct PublishingLoop: ~Copyable {
    /// A class, because it moves from list to list until it is answered.
    final class Waiting: Sendable {
        let publication: Publication
        let reply: PublishingLink.Reply

        init(_ publication: Publication, _ reply: PublishingLink.Reply) {
            self.publication = publication
            self.reply = reply
        }
    }

    private let configuration: LinkConfiguration
    private let mailbox: Mailbox<PublishingLink.Command>
    private let counters: LinkCounters
    private let stallGuard: StallGuard
    private let clock: any Timekeeper
    private let onEvent: @Sendable (PublishingEvent) -> Void
    private var rotation: EndpointRotation
    private var queue: [Waiting] = []
    private var head = 0
    private var book = ConfirmBook<Waiting>()
    private var assembler = FrameAssembler(maximumBody: 0)
    private var isBlocked = false
    private var isStopping = false
    /// After a channel was closed over one of several publications, they go out one by one until the culprit shows.
    private var suspected = 0

    /// The whole of a message's properties has to fit one frame and the broker's own budget of 8 KiB for headers.
    static let propertyBudget = 12_000
    /// More than this unsent, and the peer is not reading: wait rather than block in a send.
    private static let unsentLimit = 256 * 1024
    /// The kernel tells when a socket takes bytes, not when few are unsent; so that is looked at again soon.
    private static let stuckInterval = Duration.milliseconds(10)
    /// Since when the broker has owed an answer and given none.
    private var owedSince: MonotonicTime?
    /// Publications between two looks at what came and whether the peer reads.
    private static let publishedPerRound = 32
    /// Of their bodies; the last may go beyond it. A socket that takes bytes takes about so many without a wait.
    private static let bytesPerRound = 16_384

    init(
        _ configuration: LinkConfiguration, mailbox: Mailbox<PublishingLink.Command>, counters: LinkCounters,
        stallGuard: StallGuard, clock: any Timekeeper, onEvent: @escaping @Sendable (PublishingEvent) -> Void
    ) {
        self.configuration = configuration
        self.mailbox = mailbox
        self.counters = counters
        self.stallGuard = stallGuard
        self.clock = clock
        self.onEvent = onEvent
        rotation = EndpointRotation(configuration.endpoints)
    }

    mutating func run() {
        while !isStopping {
            do throws(LinkError) {
                try session()
            } catch {
                lose(error)
                let wait = rotation.failed()
                if !configuration.reconnects { break }
                idle(until: clock.now() + wait)
            }
        }
        for waiting in book.abandon() { waiting.reply.resume(returning: .unknown) }
        for waiting in queue[head...] { waiting.reply.resume(returning: .unknown) }
        for command in mailbox.close() {
            switch command {
            case .publish(_, let reply): reply.resume(returning: .unknown)
            case .ping(let answer): answer()
            case .stop: break
            }
        }
        onEvent(.stopped)
    }

    private mutating func lose(_ error: LinkError) {
        let unknown = book.abandon()
        if case .channelClosed = error.kind, !unknown.isEmpty {
            if unknown.count == 1, let culprit = unknown.first {
                // It was alone, so it is what the broker refused: a missing exchange, a right that lacks.
                culprit.reply.resume(returning: .unroutable(code: error.code ?? 0, text: error.words))
                requeue([])
            } else {
                suspected = unknown.count
                requeue(unknown)
            }
        } else {
            requeue(unknown)
        }
        setBlocked(nil)
        counters.update {
            $0.isConnected = false
            $0.unconfirmed = 0
        }
        onEvent(.lost(error))
    }

    private mutating func requeue(_ unknown: [Waiting]) {
        queue = unknown + queue[head...]
        head = 0
    }

    private mutating func idle(until time: MonotonicTime) {
        while !isStopping {
            while takeCommands() {}
            let now = clock.now()
            guard now < time, !isStopping else { return }
            wait(for: time - now, socket: -1)
        }
    }

    private func wait(for duration: Duration, socket: Int32) {
        var descriptors = [
            pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
        ]
        poll(&descriptors, 2, Int32(clamping: duration.milliseconds + 1))
    }

    private mutating func takeCommands() -> Bool {
        let commands = mailbox.takeAll()
        for command in commands {
            switch command {
            case .publish(let publication, let reply):
                if let fault = Self.fault(in: publication) {
                    reply.resume(returning: .invalid(fault))
                } else {
                    queue.append(Waiting(publication, reply))
                }
            case .ping(let answer): answer()
            case .stop: isStopping = true
            }
        }
        return !commands.isEmpty
    }

    // MARK: One connection

    private mutating func session() throws(LinkError) {
        var connection = try BrokerConnection(rotation.current, configuration, stallGuard: stallGuard)
        let endpoint = connection.endpoint.description
        try connection.openChannel()
        _ = try connection.request("asking for confirms") { state, _ in
            amqp_confirm_select(state, BrokerConnection.channel)?.pointee
        }
        rotation.succeeded()
        counters.update {
            if !$0.endpoint.isEmpty { $0.reconnects += 1 }
            $0.isConnected = true
            $0.endpoint = endpoint
        }
        onEvent(.connected(endpoint: endpoint))
        book = ConfirmBook()
        owedSince = nil
        assembler = FrameAssembler(maximumBody: configuration.maximumBody)
        while !isStopping {
            let received = try receiveAll(&connection)
            let published = try publishSome(&connection)
            connection.release()
            try demandConfirms(endpoint: endpoint)
            let isDone = !received && !(published && head < queue.count)
            if !takeCommands(), isDone, !connection.hasBufferedInput {
                // With work and room in the window, only the socket's own room is awaited.
                let isStuck = head < queue.count && book.count < window && !isBlocked
                let patience = min(configuration.heartbeat, configuration.confirmTimeout) / 3
                wait(for: isStuck ? Self.stuckInterval : patience, socket: connection.descriptor)
                _ = takeCommands()
            }
        }
        connection.close()
        counters.update { $0.isConnected = false }
    }

    /// A broker that keeps the connection and confirms nothing is of no use: another connection, or another node, may
    /// be. One that is blocked has said so, and gets the time that it needs.
    private mutating func demandConfirms(endpoint: String) throws(LinkError) {
        guard !book.isEmpty, !isBlocked else {
            owedSince = nil
            return
        }
        let now = clock.now()
        let since = owedSince ?? now
        owedSince = since
        guard now - since > configuration.confirmTimeout else { return }
        throw LinkError(
            .timeout, endpoint: endpoint, attempted: "waiting for confirms",
            words:
                "\(book.count) publications were not confirmed within \(Int(configuration.confirmTimeout.inSeconds)) s")
    }

    private mutating func receiveAll(_ connection: inout BrokerConnection) throws(LinkError) -> Bool {
        var received = false
        // Always before publishing: a library that has missed a heartbeat would never come back from a publish.
        while let frame = try connection.receive() {
            received = true
            try handle(frame, &connection)
        }
        if received {
            let count = book.count
            counters.update { $0.unconfirmed = count }
        }
        return received
    }

    private var window: Int { suspected > 0 ? 1 : configuration.unconfirmedWindow }

    private mutating func publishSome(_ connection: inout BrokerConnection) throws(LinkError) -> Bool {
        guard !isBlocked, head < queue.count, book.count < window, connection.unsentBytes < Self.unsentLimit,
            isWritable(connection.descriptor)
        else { return false }
        var published = 0
        var bytes = 0
        while published < Self.publishedPerRound, bytes < Self.bytesPerRound, head < queue.count, book.count < window {
            let waiting = queue[head]
            // If the send fails half-way, it is still the queue's first, behind what is unknown by then.
            let fault = try connection.publish(waiting.publication)
            head += 1
            if head == queue.count {
                queue = []
                head = 0
            }
            published += 1
            guard let fault else {
                book.published(waiting, messageID: waiting.publication.properties.messageID)
                bytes += waiting.publication.body.count
                continue
            }
            // Nothing of it was sent, so the broker does not count it.
            if suspected > 0 { suspected -= 1 }
            waiting.reply.resume(returning: .invalid(fault))
        }
        try connection.flush("publishing")
        let count = book.count
        counters.update { $0.unconfirmed = count }
        return true
    }

    private func isWritable(_ socket: Int32) -> Bool {
        var descriptor = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        return poll(&descriptor, 1, 0) == 1
    }

    // MARK: Frames

    private mutating func handle(_ frame: Frame, _ connection: inout BrokerConnection) throws(LinkError) {
        switch frame {
        case .confirm(let tag, let multiple): answer(book.confirmed(tag, multiple: multiple))
        case .refuse(let tag, let multiple): answer(book.refused(tag, multiple: multiple))
        case .blocked(let reason): setBlocked(reason)
        case .unblocked: setBlocked(nil)
        case .channelClosed(let code, let text):
            try connection.acknowledgeChannelClose()
            throw connection.fault(.channelClosed(code), "publishing", text)
        case .connectionClosed(let code, let text):
            connection.acknowledgeConnectionClose()
            throw connection.fault(.connectionClosed(code), "publishing", text)
        case .returned, .header, .body, .deliver:
            switch assembler.take(frame) {
            case .returned(let code, let text, let messageID):
                book.returned(code: code, text: text, messageID: messageID)
            case .violation(let words): throw connection.fault(.protocolViolation, "publishing", words)
            case .delivered, nil: break
            }
        case .consumerCancelled, .cancelConfirmed, .heartbeat, .other: break
        }
    }

    private mutating func answer(_ answers: [ConfirmBook<Waiting>.Answer]) {
        owedSince = nil
        if suspected > 0 { suspected = max(0, suspected - answers.count) }
        for answer in answers { answer.entry.reply.resume(returning: answer.outcome) }
    }

    private mutating func setBlocked(_ reason: String?) {
        let wasBlocked = isBlocked
        isBlocked = reason != nil
        guard wasBlocked != isBlocked else { return }
        let isBlockedNow = isBlocked
        counters.update { $0.isBlocked = isBlockedNow }
        onEvent(reason.map { .blocked(reason: $0) } ?? .unblocked)
    }

    // MARK: What can be sent at all

    /// Nil if it can. A header table that does not fit closes the connection, for everybody who publishes on it; what
    /// the broker at hand takes may be less, which shows when the frames are made.
    static func fault(in publication: Publication) -> String? {
        let properties = publication.properties
        for (name, value) in [
            ("exchange", publication.exchange), ("routing key", publication.routingKey),
            ("content-type", properties.contentType ?? ""), ("content-encoding", properties.contentEncoding ?? ""),
            ("correlation-id", properties.correlationID ?? ""), ("reply-to", properties.replyTo ?? ""),
            ("message-id", properties.messageID ?? ""), ("type", properties.type ?? ""),
            ("app-id", properties.appID ?? ""), ("expiration", properties.expiration ?? ""),
            ("user-id", properties.userID ?? ""), ("cluster-id", properties.clusterID ?? ""),
        ] where value.utf8.count > ShortString.longest {
            return "its \(name) is longer than \(ShortString.longest) bytes"
        }
        let size = properties.headers.map(encodedSize) ?? 0
        return size > propertyBudget ? "its headers take \(size) bytes, more than \(propertyBudget)" : nil
    }

    private static func encodedSize(_ table: FieldTable) -> Int {
        table.fields.reduce(4) { $0 + 1 + $1.name.count + encodedSize($1.value) }
    }

    private static func encodedSize(_ value: FieldValue) -> Int {
        switch value {
        case .boolean: 2
        case .void: 1
        case .integer, .double, .timestamp: 9
        case .decimal: 6
        case .string(let bytes), .bytes(let bytes): 5 + bytes.count
        case .array(let values): values.reduce(5) { $0 + encodedSize($1) }
        case .table(let inner): 1 + encodedSize(inner)
        }
    }
}
