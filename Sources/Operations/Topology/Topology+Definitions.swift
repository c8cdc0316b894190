import AMQP
package import JSON
import Messages

extension Topology {
    /// Which broker reads the definitions.
    package enum BrokerVersion: String, CaseIterable, Sendable {
        case three = "3"
        case four = "4"

        /// Of a release, as `4.0.5`; nil for one that is not known.
        init?(release: String?) {
            guard let series = release?.split(separator: ".").first, let major = Int(series) else { return nil }
            self = major >= 4 ? .four : .three
        }
    }

    /// RabbitMQ's definitions, as its management interface and `rabbitmqctl import_definitions` read them: the
    /// exchanges, queues and bindings, a policy for what no argument may say, and a user for each duty with no more
    /// rights than it needs. The users have no password, so nobody can log in as one before `rabbitmqctl
    /// change_password` gave it one.
    package func definitions(vhost: String, version: BrokerVersion) -> JSONValue {
        let users = roles.map { role in
            JSONValue.object([
                .init("name", .text(role.name)), .init("password_hash", .text("")),
                .init("hashing_algorithm", .text("rabbit_password_hashing_sha256")), .init("tags", .array([])),
            ])
        }
        let permissions = roles.map { role in
            JSONValue.object([
                .init("user", .text(role.name)), .init("vhost", .text(vhost)),
                .init("configure", .text(role.configure)), .init("write", .text(role.write)),
                .init("read", .text(role.read)),
            ])
        }
        return .object([
            .init("vhosts", .array([.object([.init("name", .text(vhost))])])),
            .init("users", .array(users)), .init("permissions", .array(permissions)),
            .init("policies", .array(policies(vhost: vhost, version: version))),
            .init(
                "exchanges",
                .array(
                    exchanges.map { exchange in
                        .object([
                            .init("name", .text(exchange.name)), .init("vhost", .text(vhost)),
                            .init("type", .text(exchange.type)), .init("durable", .bool(true)),
                            .init("auto_delete", .bool(false)), .init("internal", .bool(false)),
                            .init("arguments", .object([])),
                        ])
                    })),
            .init(
                "queues",
                .array(
                    queues.map { queue in
                        .object([
                            .init("name", .text(queue.name)), .init("vhost", .text(vhost)),
                            .init("durable", .bool(true)), .init("auto_delete", .bool(false)),
                            .init("arguments", queue.arguments.json),
                        ])
                    })),
            .init(
                "bindings",
                .array(
                    bindings.map { binding in
                        .object([
                            .init("source", .text(binding.exchange)), .init("vhost", .text(vhost)),
                            .init("destination", .text(binding.queue)), .init("destination_type", .text("queue")),
                            .init("routing_key", .text(binding.routingKey)), .init("arguments", .object([])),
                        ])
                    })),
        ])
    }

    private struct Role {
        var name: String
        var configure: String
        var write: String
        var read: String
    }

    private var roles: [Role] {
        let name = Self.escaped(names.prefix)
        let lanes = "^\(name)\\.(jobs|bulk|due|cancel|broken|worker)$"
        return [
            // Declares everything: a session is checked for write and read of what it binds.
            Role(
                name: "\(names.prefix)-provisioner", configure: "^\(name)\\.", write: "^\(name)\\.", read: "^\(name)\\."
            ),
            Role(
                name: "\(names.prefix)-worker", configure: "^\(name)\\.worker$",
                write: "^(amq\\.default|\(name)\\.(dead|results|retry\\..*))$", read: lanes),
            Role(
                name: "\(names.prefix)-operator", configure: "^\(name)\\.tail\\.",
                write: "^(amq\\.default|\(name)\\.jobs|\(name)\\.tail\\..*)$",
                read: "^\(name)\\.(dead|results|tail\\..*)$"),
            Role(name: "\(names.prefix)-publisher", configure: "^$", write: "^\(name)\\.jobs$", read: "^$"),
            Role(name: "\(names.prefix)-consumer", configure: "^$", write: "^$", read: "^\(name)\\.results$"),
        ]
    }

    /// All leaders would land on the node that declares. From 4.0 a queue without a delivery limit has one of 20, and a
    /// dead letter that was looked at so often would be gone, or a result that its reader gave back; before, an unlimited
    /// one is what it has, and -1 is no value. https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
    private func policies(vhost: String, version: BrokerVersion) -> [JSONValue] {
        let name = Self.escaped(names.prefix)
        let leaders = JSONValue.Member("queue-leader-locator", .text("balanced"))
        func policy(_ suffix: String, _ pattern: String, priority: Int64, _ definition: [JSONValue.Member]) -> JSONValue
        {
            .object([
                .init("name", .text("\(names.prefix)-\(suffix)")), .init("vhost", .text(vhost)),
                .init("pattern", .text(pattern)), .init("apply-to", .text("queues")),
                .init("priority", .integer(priority)), .init("definition", .object(definition)),
            ])
        }
        let everywhere = policy("leaders", "^\(name)\\.", priority: 0, [leaders])
        guard version == .four else { return [everywhere] }
        return [
            everywhere,
            policy(
                "dead", "^\(name)\\.(dead|results)$", priority: 1,
                [leaders, .init("delivery-limit", .integer(-1))]),
        ]
    }

    /// A prefix has dots and dashes at most; a dot means itself here.
    private static func escaped(_ name: String) -> String {
        name.reduce(into: "") { text, character in
            if "\\.^$|?*+()[]{}".contains(character) { text.append("\\") }
            text.append(character)
        }
    }
}

extension FieldTable {
    /// Arguments as definitions write them.
    var json: JSONValue {
        .object(fields.map { .init($0.name, $0.value.json) })
    }
}

extension FieldValue {
    var json: JSONValue {
        switch self {
        case .boolean(let truth): .bool(truth)
        case .integer(let number): .integer(number)
        case .double(let number): .real(number)
        case .decimal(let scale, let value): .text("\(value)e-\(scale)")
        case .string(let bytes), .bytes(let bytes): .text(String(decoding: bytes, as: UTF8.self))
        case .timestamp(let seconds): .integer(Int64(clamping: seconds))
        case .array(let values): .array(values.map(\.json))
        case .table(let table): table.json
        case .void: .null
        }
    }
}
