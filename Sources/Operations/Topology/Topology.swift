public import AMQP
public import Messages

/// The daemon's exchanges, queues and bindings, as a value: what is declared, verified and exported.
///
/// No argument depends on the broker's version: after an upgrade a declaration with other arguments would be refused.
public struct Topology: Equatable, Sendable {
    public struct Exchange: Equatable, Sendable {
        public var name: String
        public var type: String
    }

    public struct Queue: Equatable, Sendable {
        public var name: String
        public var arguments: FieldTable
    }

    public struct Binding: Equatable, Sendable {
        public var exchange: String
        public var routingKey: String
        public var queue: String
    }

    public let names: QueueNames
    public private(set) var exchanges: [Exchange] = []
    public private(set) var queues: [Queue] = []
    public private(set) var bindings: [Binding] = []

    /// Deliveries after which the broker itself gives a message up. Only a backstop: the worker sets a message apart
    /// after ten.
    public static let deliveryLimit: Int64 = 20

    /// `delays`: one retry queue each, whole seconds.
    public init(prefix: String, delays: [Duration]) {
        names = QueueNames(prefix: prefix)
        exchanges = [
            Exchange(name: names.jobsExchange, type: "direct"),
            Exchange(name: names.deadLetterExchange, type: "fanout"),
            Exchange(name: names.resultsExchange, type: "topic"),
        ]
        for lane in [Lane.jobs, .bulk, .due, .cancel] {
            queues.append(
                Queue(name: names.queue(lane), arguments: Self.lane(deadLetters: names.queue(.broken))))
        }
        queues.append(Queue(name: names.queue(.broken), arguments: Self.lane(deadLetters: names.deadLetters)))
        for delay in delays {
            queues.append(
                Queue(
                    name: names.retry(delay),
                    arguments: Self.delay(
                        milliseconds: delay.components.seconds * 1000, target: names.queue(.due))))
        }
        queues.append(Queue(name: names.deadLetters, arguments: Self.plain))
        queues.append(Queue(name: names.results, arguments: Self.plain))
        bindings = [
            Binding(exchange: names.jobsExchange, routingKey: RoutingKey.leave, queue: names.queue(.jobs)),
            Binding(exchange: names.jobsExchange, routingKey: RoutingKey.leaveBulk, queue: names.queue(.bulk)),
            Binding(exchange: names.jobsExchange, routingKey: RoutingKey.cancel, queue: names.queue(.cancel)),
            Binding(exchange: names.deadLetterExchange, routingKey: "", queue: names.deadLetters),
            Binding(exchange: names.resultsExchange, routingKey: RoutingKey.everyResult, queue: names.results),
        ]
    }

    /// Replicated, and refusing when full rather than dropping: nothing is lost without a word.
    private static var plain: FieldTable {
        var arguments = FieldTable()
        arguments.append("x-queue-type", .text("quorum"))
        arguments.append("x-overflow", .text("reject-publish"))
        return arguments
    }

    /// Dead-lettering that keeps the message until its target has it. It needs a quorum queue that rejects.
    private static func deadLettering(to target: String) -> FieldTable {
        var arguments = plain
        arguments.append("x-dead-letter-exchange", .text(""))
        arguments.append("x-dead-letter-routing-key", .text(target))
        arguments.append("x-dead-letter-strategy", .text("at-least-once"))
        return arguments
    }

    private static func lane(deadLetters target: String) -> FieldTable {
        var arguments = deadLettering(to: target)
        arguments.append("x-delivery-limit", .integer(deliveryLimit))
        return arguments
    }

    private static func delay(milliseconds: Int64, target: String) -> FieldTable {
        var arguments = deadLettering(to: target)
        arguments.append("x-message-ttl", .integer(milliseconds))
        return arguments
    }
}
