package import AMQP
import Clocks
import Concurrency
import Messages
package import Pipeline

/// A broker in memory: lanes with a prefetch, delivery counts, delay queues on the manual clock, confirms.
package final class MiniBroker: Inbox, Publishing, QueueInspecting {
    package struct Stored: Sendable {
        package var properties: Properties
        package var body: [UInt8]
        package var deliveries: Int64 = 0
    }

    private struct State {
        var queues: [String: [Stored]] = [:]
        var unacked: [DeliveryTag: (queue: String, message: Stored)] = [:]
        var consumption = Consumption.nothing
        var tag: UInt64 = 0
        var script: (@Sendable (Publication) -> PublishOutcome)?
        var sink: (@Sendable (IncomingMessage) -> Void)?
        var acks = 0
        var nacks = 0
        var abandoned = 0
        var published = 0
        var offered: [Publication] = []
        // A turn of delivering is on its way, and counts as an answer that is waited for.
        var isPumping = false
    }

    package static let prefix = "p"
    private let state = Lock(State())
    private let clock: ManualClock
    private let activity: Activity
    private let prefetch: Int
    /// A message whose delay is over is on its way, however long the machine takes to move it: the clock waits for that.
    private let executor: CountedExecutor
    private let pumps: AsyncStream<Void>.Continuation

    package init(clock: ManualClock, activity: Activity, prefetch: Int) {
        self.clock = clock
        self.activity = activity
        self.prefetch = prefetch
        executor = CountedExecutor(activity: activity)
        let (stream, feed) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        pumps = feed
        Task(executorPreference: executor) { [weak self] in
            for await _ in stream { self?.deliver() }
        }
    }

    deinit { pumps.finish() }

    /// Where deliveries go; nil keeps them here.
    package func connect(_ sink: (@Sendable (IncomingMessage) -> Void)?) {
        state.withLock { $0.sink = sink }
        pump()
    }

    /// The worker's connection is gone: what it had goes back.
    package func disconnect() {
        state.withLock { state in
            state.sink = nil
            state.consumption = .nothing
            for (tag, entry) in state.unacked.sorted(by: { $0.key.number > $1.key.number }) {
                state.unacked[tag] = nil
                var message = entry.message
                message.deliveries += 1
                state.queues[entry.queue, default: []].insert(message, at: 0)
            }
        }
    }

    // MARK: What a test does and sees

    package func put(_ body: [UInt8], into queue: String, properties: Properties = Properties()) {
        state.withLock {
            $0.queues["\(Self.prefix).\(queue)", default: []].append(Stored(properties: properties, body: body))
        }
        pump()
    }

    /// What is ready in a queue.
    package func count(_ queue: String) -> Int {
        state.withLock { $0.queues["\(Self.prefix).\(queue)"]?.count ?? 0 }
    }

    /// The newest of a queue.
    package func newest(_ queue: String, _ count: Int) -> [Stored] {
        state.withLock { $0.queues["\(Self.prefix).\(queue)"].map { Array($0.suffix(count)) } ?? [] }
    }

    package func messages(_ queue: String) -> [Stored] {
        state.withLock { $0.queues["\(Self.prefix).\(queue)"] ?? [] }
    }

    package func purge(_ queue: String) {
        state.withLock { $0.queues["\(Self.prefix).\(queue)"] = [] }
    }

    /// Answers publishes with something else than a confirm; nil ends that.
    package func answer(with script: (@Sendable (Publication) -> PublishOutcome)?) {
        state.withLock { $0.script = script }
    }

    package var unacked: Int { state.withLock { $0.unacked.count } }
    package var settlements: (acks: Int, nacks: Int, abandoned: Int) {
        state.withLock { ($0.acks, $0.nacks, $0.abandoned) }
    }
    /// What was offered, in its order.
    package var offered: [Publication] { state.withLock { $0.offered } }
    /// Messages that anybody but a test published.
    package var published: Int { state.withLock { $0.published } }
    package var consumption: Consumption { state.withLock { $0.consumption } }
    /// Jobs on their way: ready, delivered or waiting in a delay queue.
    package var waiting: Int {
        state.withLock { state in
            state.unacked.count
                + state.queues.reduce(0) { sum, queue in
                    queue.key.hasSuffix(".results") || queue.key.hasSuffix(".dead") ? sum : sum + queue.value.count
                }
        }
    }

    // MARK: Inbox

    package func consume(_ consumption: Consumption) {
        state.withLock { $0.consumption = consumption }
        pump()
    }

    package func ack(_ tag: DeliveryTag) {
        activity.note()
        state.withLock { state in
            if state.unacked.removeValue(forKey: tag) != nil { state.acks += 1 }
        }
        pump()
    }

    package func nack(_ tag: DeliveryTag) {
        giveBack(tag)
        state.withLock { $0.nacks += 1 }
    }

    package func abandon(_ tag: DeliveryTag) {
        giveBack(tag)
        state.withLock { $0.abandoned += 1 }
    }

    private func giveBack(_ tag: DeliveryTag) {
        activity.note()
        state.withLock { state in
            guard let entry = state.unacked.removeValue(forKey: tag) else { return }
            var message = entry.message
            message.deliveries += 1
            state.queues[entry.queue, default: []].insert(message, at: 0)
        }
        pump()
    }

    private func pump() {
        let isFirst = state.withLock { state in
            defer { state.isPumping = true }
            return !state.isPumping
        }
        if isFirst { activity.begin() } else { activity.note() }
        pumps.yield()
    }

    private func deliver() {
        let isCounted = state.withLock { state in
            defer { state.isPumping = false }
            return state.isPumping
        }
        while let (message, sink) = state.withLock(Self.next(prefetch, at: clock.now())) { sink(message) }
        if isCounted { activity.end() } else { activity.note() }
    }

    private static func next(
        _ prefetch: Int, at now: MonotonicTime
    ) -> (inout State) -> (IncomingMessage, @Sendable (IncomingMessage) -> Void)? {
        { state in
            guard let sink = state.sink else { return nil }
            for (lane, limit) in lanes(state.consumption, prefetch) {
                let queue = QueueNames(prefix: prefix).queue(lane)
                guard let first = state.queues[queue]?.first,
                    state.unacked.values.count(where: { $0.queue == queue }) < limit
                else { continue }
                state.queues[queue]?.removeFirst()
                state.tag += 1
                let tag = DeliveryTag(generation: 1, number: state.tag)
                state.unacked[tag] = (queue, first)
                var properties = first.properties
                if first.deliveries > 0 {
                    var headers = properties.headers ?? FieldTable()
                    headers.append("x-delivery-count", .integer(first.deliveries))
                    properties.headers = headers
                }
                return (
                    IncomingMessage(
                        tag: tag, queue: queue, exchange: "", routingKey: queue, isRedelivered: first.deliveries > 0,
                        properties: properties, body: .complete(first.body), receivedAt: now), sink
                )
            }
            return nil
        }
    }

    private static func lanes(_ consumption: Consumption, _ prefetch: Int) -> [(Lane, Int)] {
        switch consumption {
        case .everything: [(.due, prefetch), (.jobs, prefetch), (.bulk, prefetch), (.broken, 1), (.cancel, 16)]
        case .withoutBulk: [(.due, prefetch), (.jobs, prefetch), (.broken, 1), (.cancel, 16)]
        case .fewAtATime: [(.due, 2), (.jobs, 2), (.bulk, 2), (.cancel, 16)]
        case .suspects: [(.due, 1)]
        case .nothing: []
        }
    }

    // MARK: Publishing

    package func offer(_ publication: Publication) { state.withLock { $0.offered.append(publication) } }

    package func publish(_ publication: Publication) async -> PublishOutcome {
        await activity.during {
            let outcome =
                state.withLock { state in
                    state.published += 1
                    return state.script
                }?(publication) ?? .confirmed
            if outcome == .confirmed { route(publication) }
            return outcome
        }
    }

    private func route(_ publication: Publication) {
        let message = Stored(properties: publication.properties, body: publication.body)
        let queue =
            publication.exchange.isEmpty ? publication.routingKey : publication.exchange
        guard let delay = Self.delay(of: queue) else {
            state.withLock { $0.queues[queue, default: []].append(message) }
            return pump()
        }
        state.withLock { $0.queues[queue, default: []].append(message) }
        let time = clock.now() + delay
        Task(executorPreference: executor) { [weak self, clock] in
            await clock.sleep(until: time)
            self?.expire(queue)
        }
    }

    /// The head of a delay queue goes to `due`, if nobody purged it.
    private func expire(_ queue: String) {
        state.withLock { state in
            guard let first = state.queues[queue]?.first else { return }
            state.queues[queue]?.removeFirst()
            state.queues["\(Self.prefix).due", default: []].append(first)
        }
        pump()
    }

    private static func delay(of queue: String) -> Duration? {
        guard let start = queue.range(of: "\(prefix).retry."), queue.hasSuffix("s") else { return nil }
        return Int64(queue[start.upperBound...].dropLast()).map { .seconds($0) }
    }

    // MARK: Inspecting

    package func depth(of queue: String) async -> QueueDepth?? {
        activity.note()
        return .some(.some(QueueDepth(messages: state.withLock { $0.queues[queue]?.count ?? 0 }, consumers: 0)))
    }
}

extension String {
    fileprivate func range(of part: String) -> Range<String.Index>? {
        hasPrefix(part) ? startIndex..<index(startIndex, offsetBy: part.count) : nil
    }
}
