import CRabbitMQ
public import Threads

/// A connection for questions and declarations: one request at a time, on a thread of its own.
///
/// It connects at the first request and again after a loss; a request that fails because the connection is gone is
/// not repeated. A refusal by the broker (404, 405, 406, 403) costs a channel, which is opened again.
public final class BrokerSession: Sendable {
    enum Command: Sendable {
        case request(BrokerRequest, CheckedContinuation<Result<BrokerAnswer, LinkError>, Never>)
        case ping(@Sendable () -> Void)
        case stop
    }

    private let mailbox: Mailbox<Command>
    private let thread: NativeThread

    public init(_ configuration: LinkConfiguration) throws(SystemCallError) {
        let mailbox = try Mailbox<Command>()
        let stallGuard = try StallGuard(limit: configuration.requestTimeout * 2)
        self.mailbox = mailbox
        thread = try NativeThread(name: "amqp ask") {
            var loop = BrokerSessionLoop(configuration, mailbox: mailbox, stallGuard: stallGuard)
            loop.run()
            stallGuard.end()
        }
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
            if !mailbox.post(.request(request, reply)) {
                reply.resume(
                    returning: .failure(LinkError(.stopped, endpoint: "-", attempted: "asking", words: "stopped")))
            }
        }
        return try result.get()
    }

    /// Answered by the session's thread when it comes round: proof that it lives.
    public func ping(_ answer: @escaping @Sendable () -> Void) {
        if !mailbox.post(.ping(answer)) { answer() }
    }

    public func stop() {
        // Refused by a thread that is about to end, which is waited for all the same.
        mailbox.post(.stop)
        thread.join()
    }
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
