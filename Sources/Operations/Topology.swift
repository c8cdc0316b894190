public import AMQP

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

    public let prefix: String
    public private(set) var exchanges: [Exchange] = []
    public private(set) var queues: [Queue] = []
    public private(set) var bindings: [Binding] = []

    /// Deliveries after which the broker itself gives a message up. Only a backstop: the worker sets a message apart
    /// after ten.
    public static let deliveryLimit: Int64 = 20

    /// `delays`: one retry queue each, whole seconds.
    public init(prefix: String, delays: [Duration]) {
        self.prefix = prefix
        exchanges = [
            Exchange(name: "\(prefix).jobs", type: "direct"), Exchange(name: "\(prefix).dead", type: "fanout"),
            Exchange(name: "\(prefix).results", type: "topic"),
        ]
        let broken = "\(prefix).broken"
        let dead = "\(prefix).dead"
        for lane in ["jobs", "bulk", "due", "cancel"] {
            queues.append(Queue(name: "\(prefix).\(lane)", arguments: Self.lane(deadLetters: broken)))
        }
        queues.append(Queue(name: broken, arguments: Self.lane(deadLetters: dead)))
        for delay in delays {
            let seconds = delay.components.seconds
            queues.append(
                Queue(
                    name: "\(prefix).retry.\(seconds)s",
                    arguments: Self.delay(milliseconds: seconds * 1000, target: "\(prefix).due")))
        }
        queues.append(Queue(name: dead, arguments: Self.plain))
        queues.append(Queue(name: "\(prefix).results", arguments: Self.plain))
        bindings = [
            Binding(exchange: "\(prefix).jobs", routingKey: "leave", queue: "\(prefix).jobs"),
            Binding(exchange: "\(prefix).jobs", routingKey: "leave.bulk", queue: "\(prefix).bulk"),
            Binding(exchange: "\(prefix).jobs", routingKey: "cancel", queue: "\(prefix).cancel"),
            Binding(exchange: dead, routingKey: "", queue: dead),
            Binding(exchange: "\(prefix).results", routingKey: "leave.#", queue: "\(prefix).results"),
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
