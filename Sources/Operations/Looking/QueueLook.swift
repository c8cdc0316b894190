import AMQP
import Concurrency

/// A command's look at messages that wait: they come as the broker gives them out, and whatever is not acked goes back
/// when the look ends.
enum QueueLook {
    enum Sight: Sendable {
        case message(IncomingMessage)
        case lost(LinkError)
        /// Nothing has come for several seconds, once more a second. What others take meanwhile is not announced, and an
        /// empty queue sends nothing: the depth has to be asked for.
        case quiet
    }

    /// What has come, one after the other.
    struct Sights {
        fileprivate var stream: AsyncStream<Sight>.Iterator
        fileprivate let silence: Lock<Silence>
        private var isVisiting = false

        fileprivate init(_ stream: AsyncStream<Sight>, _ silence: Lock<Silence>) {
            (self.stream, self.silence) = (stream.makeAsyncIterator(), silence)
        }

        mutating func next(isolation: isolated (any Actor)? = #isolation) async -> Sight? {
            if isVisiting { silence.withLock { $0.visited() } }
            let sight = await stream.next(isolation: isolation)
            isVisiting = if case .message = sight { true } else { false }
            return sight
        }
    }

    /// It counts while nothing is there to be looked at, however long a look takes.
    struct Silence: Equatable {
        private var unseen = 0
        private var seconds = 0

        /// A broker that is busy may take its time over what it has for this one, and counts that as waiting no more.
        static let longest = 5

        mutating func arrived() { (unseen, seconds) = (unseen + 1, 0) }

        mutating func visited() { (unseen, seconds) = (unseen - 1, 0) }

        /// Whether it has lasted too long.
        mutating func secondPassed() -> Bool {
            if unseen == 0 { seconds += 1 }
            return seconds > Self.longest
        }
    }

    /// Consumes `queues` for as long as `body` takes.
    static func follow<Answer>(
        _ configuration: LinkConfiguration, _ queues: [ConsumedQueue],
        _ body: (inout Sights, ConsumingLink) async throws -> Answer
    ) async throws -> Answer {
        let (stream, feed) = AsyncStream<Sight>.makeStream()
        let silence = Lock(Silence())
        let link = try ConsumingLink(configuration) { event in
            switch event {
            case .message(let message):
                silence.withLock { $0.arrived() }
                feed.yield(.message(message))
            case .lost(_, let error): feed.yield(.lost(error))
            case .connected, .consuming, .standby, .stopped: break
            }
        }
        link.consume(queues)
        let ticker = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(1))
                if silence.withLock({ $0.secondPassed() }) { feed.yield(.quiet) }
            }
        }
        defer { ticker.cancel() }
        var sights = Sights(stream, silence)
        // The acks that were posted are sent before the connection closes, and the rest goes back with it.
        return try await using(link) { try await body(&sights, link) }
    }

    /// Ends a service when `body` has ended, whatever came of it.
    static func using<Service: RunningService, Answer>(
        _ service: Service, _ body: () async throws -> Answer
    ) async throws -> Answer {
        let result: Result<Answer, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        await NativeThread.offload("look") { service.stop() }
        return try result.get()
    }
}
