public import Threads

/// A connection for questions and declarations: one request at a time, on a thread of its own.
///
/// It connects at the first request and again after a loss; a request that fails because the connection is gone is
/// not repeated. A refusal by the broker (404, 405, 406, 403) costs a channel, which is opened again.
public final class BrokerSession: RunningService {
    private let thread: MailboxThread<PendingRequest>

    public init(_ configuration: LinkConfiguration) throws(SystemCallError) {
        thread = try MailboxThread(link: "amqp ask", configuration) { BrokerSessionBehaviour($0) }
    }

    /// How many messages a queue has ready and how many consumers, or nil if there is no such queue.
    public func inspect(queue: String) async throws(LinkError) -> (messages: Int, consumers: Int)? {
        do throws(LinkError) {
            let answer = try await ask(.declareQueue(QueueDeclaration(name: queue, isPassive: true)))
            return (answer.messages, answer.consumers)
        } catch {
            guard error.kind == .channelClosed(404) else { throw error }
            return nil
        }
    }

    /// Declares a queue, or with `isPassive` only looks for it. Other arguments than it has: 406, with the broker's
    /// words, which name the argument and both values.
    @discardableResult
    public func declare(_ queue: QueueDeclaration) async throws(LinkError) -> (messages: Int, consumers: Int) {
        let answer = try await ask(.declareQueue(queue))
        return (answer.messages, answer.consumers)
    }

    public func declare(_ exchange: ExchangeDeclaration) async throws(LinkError) {
        _ = try await ask(.declareExchange(exchange))
    }

    public func bind(queue: String, to exchange: String, routingKey: String) async throws(LinkError) {
        _ = try await ask(.bind(queue: queue, exchange: exchange, routingKey: routingKey))
    }

    public func delete(queue: String) async throws(LinkError) {
        _ = try await ask(.deleteQueue(queue))
    }

    public func delete(exchange: String) async throws(LinkError) {
        _ = try await ask(.deleteExchange(exchange))
    }

    /// Drops what is ready in a queue and says how many those were.
    public func purge(queue: String) async throws(LinkError) -> Int {
        try await ask(.purge(queue)).messages
    }

    /// Connects, if it is not connected: for checks.
    public func connect() async throws(LinkError) {
        _ = try await ask(.nothing)
    }

    private func ask(_ request: BrokerRequest) async throws(LinkError) -> BrokerAnswer {
        let result = await withCheckedContinuation { reply in
            if !thread.post(PendingRequest(request: request, reply: reply)) {
                reply.resume(
                    returning: .failure(LinkError(.stopped, endpoint: "-", attempted: "asking", words: "stopped")))
            }
        }
        return try result.get()
    }

    public func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    /// Answers what was asked before, and closes the connection.
    public func stop() { thread.stop() }
}

public struct QueueDeclaration: Hashable, Sendable {
    public var name: String
    public var isPassive: Bool
    public var isDurable: Bool
    public var isExclusive: Bool
    public var isAutoDelete: Bool
    public var arguments: FieldTable

    public init(
        name: String, isPassive: Bool = false, isDurable: Bool = true, isExclusive: Bool = false,
        isAutoDelete: Bool = false, arguments: FieldTable = FieldTable()
    ) {
        self.name = name
        self.isPassive = isPassive
        self.isDurable = isDurable
        self.isExclusive = isExclusive
        self.isAutoDelete = isAutoDelete
        self.arguments = arguments
    }
}

public struct ExchangeDeclaration: Hashable, Sendable {
    public var name: String
    /// `direct`, `fanout`, `topic`.
    public var type: String
    public var isPassive: Bool

    public init(name: String, type: String, isPassive: Bool = false) {
        self.name = name
        self.type = type
        self.isPassive = isPassive
    }
}

/// A request that somebody waits for.
struct PendingRequest: Sendable {
    let request: BrokerRequest
    let reply: CheckedContinuation<Result<BrokerAnswer, LinkError>, Never>
}

enum BrokerRequest: Sendable {
    case nothing
    case declareQueue(QueueDeclaration)
    case declareExchange(ExchangeDeclaration)
    case bind(queue: String, exchange: String, routingKey: String)
    case deleteQueue(String)
    case deleteExchange(String)
    case purge(String)
}

struct BrokerAnswer: Sendable {
    var messages = 0
    var consumers = 0
}
