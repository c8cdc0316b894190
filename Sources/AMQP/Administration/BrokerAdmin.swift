package import Concurrency

/// A connection for questions and declarations: one request at a time, on a thread of its own.
///
/// It connects at the first request and again after a loss; a request that fails because the connection is gone is
/// not repeated. A refusal by the broker (404, 405, 406, 403) costs a channel, which is opened again.
package final class BrokerAdmin: RunningService {
    private let thread: MailboxThread<PendingRequest>

    package init(_ configuration: LinkConfiguration) throws(SystemCallError) {
        thread = try MailboxThread(link: "amqp ask", configuration) { BrokerAdminBehaviour($0) }
    }

    /// How many messages a queue has ready and how many consumers, or nil if there is no such queue.
    package func inspect(queue: String) async throws(LinkError) -> (messages: Int, consumers: Int)? {
        do throws(LinkError) {
            let answer = try await send(.declareQueue(QueueDeclaration(name: queue, isPassive: true)))
            return (answer.messages, answer.consumers)
        } catch {
            guard error.kind == .channelClosed(404) else { throw error }
            return nil
        }
    }

    /// Declares a queue, or with `isPassive` only looks for it. Other arguments than it has: 406, with the broker's
    /// words, which name the argument and both values.
    @discardableResult
    package func declare(_ queue: QueueDeclaration) async throws(LinkError) -> (messages: Int, consumers: Int) {
        let answer = try await send(.declareQueue(queue))
        return (answer.messages, answer.consumers)
    }

    package func declare(_ exchange: ExchangeDeclaration) async throws(LinkError) {
        _ = try await send(.declareExchange(exchange))
    }

    package func bind(queue: String, to exchange: String, routingKey: String) async throws(LinkError) {
        _ = try await send(.bind(queue: queue, exchange: exchange, routingKey: routingKey))
    }

    package func delete(queue: String) async throws(LinkError) {
        _ = try await send(.deleteQueue(queue))
    }

    package func delete(exchange: String) async throws(LinkError) {
        _ = try await send(.deleteExchange(exchange))
    }

    /// Drops what is ready in a queue and says how many those were.
    package func purge(queue: String) async throws(LinkError) -> Int {
        try await send(.purge(queue)).messages
    }

    /// Connects, if it is not connected: for checks.
    package func connect() async throws(LinkError) {
        _ = try await send(.nothing)
    }

    private func send(_ request: BrokerRequest) async throws(LinkError) -> BrokerAnswer {
        let result = await withCheckedContinuation { reply in
            if !thread.post(PendingRequest(request: request, reply: reply)) {
                reply.resume(
                    returning: .failure(LinkError(.stopped, endpoint: "-", attempted: "asking", message: "stopped")))
            }
        }
        return try result.get()
    }

    package func ping(_ answer: @escaping @Sendable () -> Void) { thread.ping(answer) }

    /// Answers what was asked before, and closes the connection.
    package func stop() { thread.stop() }
}

package struct QueueDeclaration: Hashable, Sendable {
    package var name: String
    package var isPassive: Bool
    package var isDurable: Bool
    package var isExclusive: Bool
    package var isAutoDelete: Bool
    package var arguments: FieldTable

    package init(
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

package struct ExchangeDeclaration: Hashable, Sendable {
    package var name: String
    /// `direct`, `fanout`, `topic`.
    package var type: String
    package var isPassive: Bool

    package init(name: String, type: String, isPassive: Bool = false) {
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
