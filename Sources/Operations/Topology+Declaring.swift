public import AMQP

extension Topology {
    /// Something on the broker that is not as it should be.
    public struct Difference: Error, Equatable, Sendable, CustomStringConvertible {
        public var what: String
        public var detail: String

        public var description: String { "\(what): \(detail)" }
    }

    /// Creates what is missing. Idempotent. Throws at the first thing that is there with other arguments, in the
    /// broker's words, which name the argument and both values.
    public func declare(on session: BrokerSession) async throws(LinkError) {
        for exchange in exchanges {
            try await session.declare(ExchangeDeclaration(name: exchange.name, type: exchange.type))
        }
        for queue in queues {
            try await session.declare(QueueDeclaration(name: queue.name, arguments: queue.arguments))
        }
        for binding in bindings {
            try await session.bind(queue: binding.queue, to: binding.exchange, routingKey: binding.routingKey)
        }
    }

    /// Looks for every exchange and queue without changing anything, which needs no right to configure. Arguments and
    /// bindings are compared only by `declare`, because AMQP has no question for them.
    public func missing(on session: BrokerSession) async throws(LinkError) -> [Difference] {
        var differences: [Difference] = []
        for exchange in exchanges {
            do throws(LinkError) {
                try await session.declare(
                    ExchangeDeclaration(name: exchange.name, type: exchange.type, isPassive: true))
            } catch {
                differences.append(try difference("exchange \(exchange.name)", error))
            }
        }
        for queue in queues {
            do throws(LinkError) {
                try await session.declare(QueueDeclaration(name: queue.name, isPassive: true))
            } catch {
                differences.append(try difference("queue \(queue.name)", error))
            }
        }
        return differences
    }

    private func difference(_ what: String, _ error: LinkError) throws(LinkError) -> Difference {
        switch error.kind {
        case .channelClosed(404):
            return Difference(what: what, detail: "it does not exist; run `leave-albumd topology declare`")
        case .channelClosed: return Difference(what: what, detail: error.words)
        case .unreachable, .tls, .loginRefused, .connectionClosed, .timeout, .heartbeatMissed, .protocolViolation,
            .consumerCancelled, .stopped:
            throw error
        }
    }
}
