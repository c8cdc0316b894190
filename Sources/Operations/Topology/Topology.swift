package import AMQP
package import Messages

/// The daemon's exchanges, queues and bindings, as a value: what is declared, verified and exported.
///
/// No argument depends on the broker's version: after an upgrade a declaration with other arguments would be refused.
package struct Topology: Equatable, Sendable {
    package struct Exchange: Equatable, Sendable {
        package var name: String
        package var type: String
    }

    package struct Queue: Equatable, Sendable {
        package var name: String
        package var arguments: FieldTable
    }

    package struct Binding: Equatable, Sendable {
        package var exchange: String
        package var routingKey: String
        package var queue: String
    }

    package let names: QueueNames
    package private(set) var exchanges: [Exchange] = []
    package private(set) var queues: [Queue] = []
    package private(set) var bindings: [Binding] = []

    /// Deliveries after which the broker itself gives a message up. Only a backstop: the worker sets a message apart
    /// after ten.
    package static let deliveryLimit: Int64 = 20

    /// `delays`: one retry queue each, whole seconds.
    package init(prefix: String, delays: [Duration]) {
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
    /// https://www.rabbitmq.com/docs/maxlength#overflow-behaviour
    private static var plain: FieldTable {
        var arguments = FieldTable()
        arguments.append("x-queue-type", .text("quorum"))
        arguments.append("x-overflow", .text("reject-publish"))
        return arguments
    }

    /// Dead-lettering that keeps the message until its target has it. It needs a quorum queue that rejects.
    /// https://www.rabbitmq.com/docs/quorum-queues#dead-lettering
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

    /// https://www.rabbitmq.com/docs/ttl
    private static func delay(milliseconds: Int64, target: String) -> FieldTable {
        var arguments = deadLettering(to: target)
        arguments.append("x-message-ttl", .integer(milliseconds))
        return arguments
    }
}
