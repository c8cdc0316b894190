package import AMQP

extension Topology {
    /// Something on the broker that is not as it should be.
    package struct Difference: Error, Equatable, Sendable, CustomStringConvertible {
        package var what: String
        package var detail: String

        package var description: String { "\(what): \(detail)" }
    }

    /// Creates what is missing. Idempotent. Throws at the first thing that is there with other arguments, in the
    /// broker's words, which name the argument and both values.
    package func declare(on session: BrokerAdmin) async throws(LinkError) {
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

    /// Removes all of it, with every message that is in it.
    package func delete(on session: BrokerAdmin) async throws(LinkError) {
        for queue in queues { try await session.delete(queue: queue.name) }
        for exchange in exchanges { try await session.delete(exchange: exchange.name) }
    }

    /// Messages that are ready in all its queues.
    package func messages(on session: BrokerAdmin) async throws(LinkError) -> Int {
        var total = 0
        for queue in queues { total += try await session.inspect(queue: queue.name)?.messages ?? 0 }
        return total
    }

    /// Looks for every exchange and queue without changing anything, which needs no right to configure. Arguments and
    /// bindings are compared only by `declare`, because AMQP has no question for them.
    package func missing(on session: BrokerAdmin) async throws(LinkError) -> [Difference] {
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

    /// As `missing`, and where this user may configure, arguments too: what is there is declared once more, which
    /// changes nothing and is refused in words that name the argument and both values. False: arguments were not
    /// compared.
    package func differences(on session: BrokerAdmin) async throws(LinkError) -> ([Difference], isWhole: Bool) {
        var differences = try await missing(on: session)
        let absent = Set(differences.map(\.what))
        var isWhole = true
        for queue in queues where !absent.contains("queue \(queue.name)") {
            do throws(LinkError) {
                try await session.declare(QueueDeclaration(name: queue.name, arguments: queue.arguments))
            } catch {
                guard error.kind != .channelClosed(403) else {
                    isWhole = false
                    break
                }
                differences.append(try difference("queue \(queue.name)", error))
            }
        }
        for exchange in exchanges where isWhole && !absent.contains("exchange \(exchange.name)") {
            do throws(LinkError) {
                try await session.declare(ExchangeDeclaration(name: exchange.name, type: exchange.type))
            } catch {
                differences.append(try difference("exchange \(exchange.name)", error))
            }
        }
        return (differences, isWhole)
    }

    private func difference(_ what: String, _ error: LinkError) throws(LinkError) -> Difference {
        switch error.kind {
        case .channelClosed(404):
            return Difference(what: what, detail: "it does not exist; run `leave-albumd topology declare`")
        case .channelClosed: return Difference(what: what, detail: error.message)
        case .unreachable, .descriptors, .tls, .loginRefused, .connectionClosed, .timeout, .heartbeatMissed,
            .protocolViolation, .consumerCancelled, .stopped:
            throw error
        }
    }
}
