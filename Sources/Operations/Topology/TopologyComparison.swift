import AMQP
package import JSON
import Messages

/// What the management interface says of the queues and bindings, against what they should be: pure.
package struct TopologyComparison: Equatable, Sendable {
    package private(set) var differences: [Topology.Difference] = []
    /// Worth knowing and not wrong.
    package private(set) var notes: [String] = []

    private let topology: Topology

    /// `release`: the broker's, if it is known.
    package init(_ topology: Topology, queues: [JSONValue], bindings: [JSONValue], release: String? = nil) {
        self.topology = topology
        let limitsByItself = Topology.BrokerVersion(release: release) == .four
        for expected in topology.queues {
            guard let found = queues.first(where: { $0["name"]?.text == expected.name }) else {
                differences.append(
                    .init(what: "queue \(expected.name)", detail: "it does not exist; run `topology declare`"))
                continue
            }
            compareArguments(expected, found)
            comparePolicy(expected, found)
            if limitsByItself { noteLimit(expected, found) }
        }
        compareBindings(bindings)
        noteRetiredDelays(queues)
    }

    private mutating func differ(_ queue: Topology.Queue, _ detail: String) {
        differences.append(.init(what: "queue \(queue.name)", detail: detail))
    }

    private mutating func compareArguments(_ expected: Topology.Queue, _ found: JSONValue) {
        let ours = expected.arguments.json.members ?? []
        let theirs = found["arguments"]?.members ?? []
        for member in ours {
            let name = String(decoding: member.name, as: UTF8.self)
            let value = found["arguments"]?[name]
            guard value != member.value else { continue }
            differ(
                expected,
                "argument \(name) is \(value.map(Self.text) ?? "not set") and should be "
                    + "\(Self.text(member.value)); delete the queue when it is empty, and run `topology declare`")
        }
        for member in theirs where !ours.contains(where: { $0.name == member.name }) {
            differ(expected, "argument \(String(decoding: member.name, as: UTF8.self)) should not be set")
        }
    }

    /// A policy wins over arguments, or takes the smaller of both: what it does to the promises is a difference.
    private mutating func comparePolicy(_ expected: Topology.Queue, _ found: JSONValue) {
        guard let definition = found["effective_policy_definition"]?.members, !definition.isEmpty else { return }
        let policy = found["policy"]?.text ?? "of an operator"
        for member in definition {
            let name = String(decoding: member.name, as: UTF8.self)
            let setting = "policy \(policy) sets \(name) to \(Self.text(member.value))"
            if let harm = harm(name, member.value, expected) {
                differ(expected, "\(setting): \(harm)")
            } else {
                notes.append("queue \(expected.name): \(setting)")
            }
        }
    }

    private func harm(_ name: String, _ value: JSONValue, _ queue: Topology.Queue) -> String? {
        let limit = queue.arguments["x-delivery-limit"]
        switch name {
        case "overflow":
            return value == .text("reject-publish") ? nil : "messages are dropped without a word"
        case "message-ttl":
            guard case .integer(let ours)? = queue.arguments["x-message-ttl"] else { return "messages expire" }
            return (value.integer ?? 0) < ours ? "copies come too early" : nil
        case "expires": return "the queue is deleted while nobody uses it"
        case "delivery-limit":
            guard case .integer(let ours)? = limit else {
                return (value.integer ?? 0) < 0 ? nil : "a letter that is looked at so often is lost"
            }
            let theirs = value.integer ?? 0
            return theirs >= 0 && theirs < ours ? "the broker gives up jobs before the worker does" : nil
        case "dead-letter-exchange", "dead-letter-routing-key", "dead-letter-strategy":
            return queue.arguments["x-\(name)"] == nil ? "messages leave the queue for elsewhere" : nil
        default: return nil
        }
    }

    /// A queue that is not to lose a message, and has the limit of RabbitMQ 4 because nobody took it away. Only a policy
    /// can, which `topology declare` has no right to: so it is no difference.
    private mutating func noteLimit(_ expected: Topology.Queue, _ found: JSONValue) {
        let names = topology.names
        guard [names.deadLetters, names.results].contains(expected.name),
            found["effective_policy_definition"]?["delivery-limit"] == nil
        else { return }
        notes.append(
            "queue \(expected.name): this broker drops a message that was given back 20 times; a policy with "
                + "delivery-limit -1 takes that away, as `topology export --rabbitmq 4` has it")
    }

    private mutating func compareBindings(_ found: [JSONValue]) {
        for binding in topology.bindings
        where !found.contains(where: {
            $0["source"]?.text == binding.exchange && $0["destination"]?.text == binding.queue
                && $0["routing_key"]?.text == binding.routingKey
        }) {
            differences.append(
                .init(
                    what: "exchange \(binding.exchange)",
                    detail: "key \"\(binding.routingKey)\" is not bound to queue \(binding.queue); run "
                        + "`topology declare`"))
        }
    }

    /// A delay that the settings no longer have drains by itself.
    private mutating func noteRetiredDelays(_ queues: [JSONValue]) {
        let known = Set(topology.queues.map(\.name))
        for name in queues.compactMap({ $0["name"]?.text })
        where topology.names.isRetry(name) && !known.contains(name) {
            notes.append("queue \(name): a delay that the settings no longer have; it drains by itself")
        }
    }

    private static func text(_ value: JSONValue) -> String {
        value.text ?? String(decoding: value.encoded(), as: UTF8.self)
    }
}

extension Topology {
    /// Compares what the management interface shows. Changes nothing.
    package func compared(by management: ManagementAPI) async throws(ManagementAPI.Failure) -> TopologyComparison {
        TopologyComparison(
            self, queues: try await management.queues(), bindings: try await management.bindings(),
            release: try await management.release())
    }
}
