import CLinux
import CRabbitMQ
import Clocks
import Concurrency

/// Publishes with confirms: what is not confirmed on one connection goes out again on the next.
struct PublishingBehaviour: LinkBehaviour, ~Copyable {
    private let link: LinkContext<PendingPublication>
    private let onEvent: @Sendable (PublishingEvent) -> Void
    private var queue: [PendingPublication] = []
    private var head = 0
    private var book = PublisherConfirms<PendingPublication>()
    private var assembler = FrameAssembler(maximumBody: 0)
    private var isBlocked = false
    /// After a channel was closed over one of several publications, they go out one by one until the culprit shows.
    private var suspected = 0
    private var refusals: ChannelRefusals
    /// What is wrong with this channel, if something is refused for too long.
    private var refusal: String?
    private var offers = OfferRules()

    /// The whole of a message's properties has to fit one frame and the broker's own budget of 8 KiB for headers.
    static let propertyBudget = 12_000
    /// More than this unsent, and the peer is not reading: wait rather than block in a send.
    private static let unsentLimit = 256 * 1024
    /// The kernel tells when a socket takes bytes, not when few are unsent; so that is looked at again soon.
    private static let stuckInterval = Duration.milliseconds(10)
    /// Since when an answer of the broker is due that has not come.
    private var unpublishedSince: MonotonicTime?
    /// Publications between two looks at what came and whether the peer reads.
    private static let publishedPerRound = 32
    /// Of their bodies; the last may go beyond it. A socket that takes bytes takes about so many without a wait.
    private static let bytesPerRound = 16_384

    init(_ link: LinkContext<PendingPublication>, onEvent: @escaping @Sendable (PublishingEvent) -> Void) {
        self.link = link
        self.onEvent = onEvent
        refusals = ChannelRefusals(timeout: link.configuration.refusalTimeout)
    }

    // MARK: From connection to connection

    var wantsConnection: Bool { !link.isStopping }

    mutating func take(_ pending: PendingPublication) {
        if pending.isOffered, !mayOffer {
            drop(1)
        } else if let fault = Self.fault(in: pending.publication) {
            if pending.isOffered { drop(1) }
            pending.answer(.invalid(fault))
        } else {
            queue.append(pending)
        }
    }

    mutating func lose(_ error: LinkError, rotation wait: Duration) -> Duration? {
        let sent = book.abandon()
        let unknown = sent.filter { !$0.isOffered }
        let hasOffered = unknown.count < sent.count
        offers.lost(hasOffered: hasOffered, error.kind, at: link.clock.now())
        if case .channelClosed = error.kind, !unknown.isEmpty {
            if unknown.count == 1, !hasOffered, let culprit = unknown.first {
                // It was alone, so it is what the broker refused: a missing exchange, a right that lacks.
                culprit.answer(.unroutable(code: error.code ?? 0, text: error.message))
                requeue([])
            } else {
                suspected = unknown.count
                requeue(unknown)
            }
        } else {
            requeue(unknown)
        }
        setBlocked(nil)
        link.counters.update { $0.unconfirmed = 0 }
        onEvent(.lost(error))
        return link.configuration.reconnects ? wait : nil
    }

    private mutating func requeue(_ unknown: [PendingPublication]) {
        queue = unknown + queue[head...]
        head = 0
        dropOffers()
    }

    /// What was offered and has not been sent.
    private mutating func dropOffers() {
        let kept = queue[head...].filter { !$0.isOffered }
        drop(queue.count - head - kept.count)
        queue = kept
        head = 0
    }

    private func drop(_ count: Int) {
        if count > 0 { link.counters.update { $0.offersDropped += count } }
    }

    private var mayOffer: Bool {
        offers.mayOffer(
            unconfirmed: book.count + queue.count - head, window: window, isBlocked: isBlocked, at: link.clock.now())
    }

    mutating func end(untaken: [PendingPublication]) {
        for pending in book.abandon() + queue[head...] + untaken { pending.answer(.unknown) }
        onEvent(.stopped)
    }

    // MARK: One connection

    mutating func begin(_ connection: inout BrokerConnection) throws(LinkError) {
        try connection.openChannel()
        _ = try connection.request("asking for confirms") { state, _ in
            amqp_confirm_select(state, BrokerConnection.channel)?.pointee
        }
    }

    mutating func serve(_ connection: inout BrokerConnection) throws(LinkError) {
        let endpoint = connection.endpoint.description
        link.countConnection(to: endpoint)
        onEvent(.connected(endpoint: endpoint))
        book = PublisherConfirms()
        unpublishedSince = nil
        refusals.begin()
        offers.begin()
        assembler = FrameAssembler(maximumBody: link.configuration.maximumBody)
        while !link.isStopping {
            let received = try receiveAll(&connection)
            let published = try publishSome(&connection)
            connection.release()
            try demandConfirms(endpoint: endpoint)
            let isDone = !received && !(published && head < queue.count)
            if !takeNew(), isDone, !connection.hasBufferedInput {
                // With work and a place in the window, only space in the socket is awaited.
                let isStuck = head < queue.count && book.count < window && !isBlocked
                let checkInterval = min(link.configuration.heartbeat, link.configuration.confirmTimeout) / 3
                link.wait(atMost: isStuck ? Self.stuckInterval : checkInterval, connection)
                _ = takeNew()
            }
        }
    }

    private mutating func takeNew() -> Bool {
        let new = link.mailbox.takeAll()
        for pending in new { take(pending) }
        return !new.isEmpty
    }

    /// A broker that keeps the connection and confirms nothing is of no use: another connection, or another node, may
    /// be. One that is blocked has said so, and gets the time that it needs.
    private mutating func demandConfirms(endpoint: String) throws(LinkError) {
        guard !book.isEmpty, !isBlocked else {
            unpublishedSince = nil
            return
        }
        let now = link.clock.now()
        let since = unpublishedSince ?? now
        unpublishedSince = since
        let longest = link.configuration.confirmTimeout
        guard now - since > longest else { return }
        throw LinkError(
            .timeout, endpoint: endpoint, attempted: "waiting for confirms",
            message: "\(book.count) publications were not confirmed within \(Int(longest.inSeconds)) s")
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
            link.counters.update { $0.unconfirmed = count }
        }
        return received
    }

    private var window: Int { suspected > 0 ? 1 : link.configuration.unconfirmedWindow }

    private mutating func publishSome(_ connection: inout BrokerConnection) throws(LinkError) -> Bool {
        guard !isBlocked, head < queue.count, book.count < window, connection.unsentBytes < Self.unsentLimit,
            isWritable(connection.descriptor)
        else { return false }
        var published = 0
        var bytes = 0
        while published < Self.publishedPerRound, bytes < Self.bytesPerRound, head < queue.count, book.count < window {
            let pending = queue[head]
            // If the send fails half-way, it is still the queue's first, behind what is unknown by then.
            let fault = try connection.publish(pending.publication, isPersistent: !pending.isOffered)
            head += 1
            if head == queue.count {
                queue = []
                head = 0
            }
            published += 1
            guard let fault else {
                book.published(pending, messageID: pending.publication.properties.messageID)
                if pending.isOffered { link.counters.update { $0.offersSent += 1 } }
                bytes += pending.publication.body.count
                continue
            }
            // Nothing of it was sent, so the broker does not count it.
            if suspected > 0 { suspected -= 1 }
            if pending.isOffered { drop(1) }
            pending.answer(.invalid(fault))
        }
        try connection.flush("publishing")
        let count = book.count
        link.counters.update { $0.unconfirmed = count }
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
        case .refuse(let tag, let multiple):
            answer(book.refused(tag, multiple: multiple))
            if let refusal {
                self.refusal = nil
                throw connection.fault(.timeout, "publishing", refusal)
            }
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
            case .violation(let message): throw connection.fault(.protocolViolation, "publishing", message)
            case .delivered, nil: break
            }
        case .consumerCancelled, .cancelConfirmed, .heartbeat, .other: break
        }
    }

    private mutating func answer(_ answers: [PublisherConfirms<PendingPublication>.Answer]) {
        unpublishedSince = nil
        if suspected > 0 { suspected = max(0, suspected - answers.count) }
        for answer in answers {
            // A queue that refuses what is only offered is whoever's it is, and no word on the channel.
            if !answer.entry.isOffered { judge(answer.outcome, of: answer.entry.publication) }
            answer.entry.answer(answer.outcome)
        }
    }

    private mutating func judge(_ outcome: PublishOutcome, of publication: Publication) {
        switch outcome {
        case .confirmed: refusals.confirmed(publication)
        case .refused:
            guard let time = refusals.refused(publication, at: link.clock.now()) else { return }
            let target = publication.exchange.isEmpty ? "queue" : "exchange \(publication.exchange), key"
            let seconds = Int(time.inSeconds)
            refusal = "\(target) \(publication.routingKey) refused everything for \(seconds) s; another is tried"
        case .unroutable, .unknown, .invalid: break
        }
    }

    private mutating func setBlocked(_ reason: String?) {
        let wasBlocked = isBlocked
        isBlocked = reason != nil
        if isBlocked { dropOffers() }
        guard wasBlocked != isBlocked else { return }
        let isBlockedNow = isBlocked
        link.counters.update { $0.isBlocked = isBlockedNow }
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
