import AMQP
import Clocks
import Daemon
import HTTP
import JSON
import Operations
import Secrets
import Settings
import Terminal

extension Commands {
    static let topology = Command(
        "topology", summary: "The exchanges and queues on the broker",
        commands: [
            Command(
                "declare", summary: "Creates what is missing", options: [.config, .json],
                action: .withSettings { try await TopologyCommand(context: $0).declare() }),
            Command(
                "verify", summary: "Names each difference, and changes nothing",
                options: [.config, .json, .management],
                action: .withSettings { try await TopologyCommand(context: $0).verify() }),
            Command(
                "delete", summary: "Removes all of it from the broker: the end of a trial",
                options: [
                    .config,
                    .value("--confirm", "PREFIX", isRequired: true, help: "broker.prefix once more, as your word"),
                    .flag("--with-messages", help: "also if queues are not empty: what is in them is lost"),
                ], action: .withSettings { try await TopologyCommand(context: $0).delete() }),
            Command(
                "export", summary: "Prints RabbitMQ definitions with users of least permission",
                options: [
                    .config,
                    .value(
                        "--rabbitmq", "3|4",
                        help: "the broker's major version (default 3): 4 adds an unlimited delivery limit of the "
                            + "dead letters, which 3 has by itself and refuses as a policy"),
                ], action: .withSettings { try TopologyCommand(context: $0).export() }),
        ])
}

/// `topology …`.
struct TopologyCommand: ConfiguredCommand {
    let context: CommandContext

    func declare() async throws -> ExitStatus {
        let session = try BrokerAdmin(try settings.link("topology", asOperator: true))
        let topology = settings.topology
        try await topology.declare(on: session)
        if isJSON {
            StandardStream.output.write(
                json: .object([
                    .init("exchanges", .integer(Int64(topology.exchanges.count))),
                    .init("queues", .integer(Int64(topology.queues.count))),
                    .init("bindings", .integer(Int64(topology.bindings.count))),
                ]))
        } else {
            StandardStream.output.write(
                "declared \(topology.exchanges.count) exchanges, \(topology.queues.count) queues and "
                    + "\(topology.bindings.count) bindings\n")
        }
        return .done
    }

    func verify() async throws -> ExitStatus {
        let verification = try await TopologyVerification.run(settings, management: arguments.value("--management"))
        if isJSON {
            StandardStream.output.write(json: verification.json)
        } else {
            for difference in verification.differences { StandardStream.output.write("\(difference)\n") }
            for note in verification.notes { StandardStream.output.write("note: \(note)\n") }
            if verification.differences.isEmpty { StandardStream.output.write("the topology is as it should be\n") }
        }
        return verification.differences.isEmpty ? .done : .answeredNo
    }

    func delete() async throws -> ExitStatus {
        let prefix = settings.broker.prefix
        guard arguments.value("--confirm") == prefix else {
            throw arguments.error("--confirm must be broker.prefix, which is \(prefix)")
        }
        let session = try BrokerAdmin(try settings.link("topology", asOperator: true))
        let messages = try await settings.topology.messages(on: session)
        guard messages == 0 || arguments.isSet("--with-messages") else {
            throw CommandFailure(
                .answeredNo, "\(messages) messages are in the queues of \(prefix): give --with-messages to lose them")
        }
        try await settings.topology.delete(on: session)
        StandardStream.output.write("deleted the exchanges and queues of \(prefix), and \(messages) messages\n")
        return .done
    }

    func export() throws -> ExitStatus {
        let text = arguments.value("--rabbitmq") ?? Topology.BrokerVersion.three.rawValue
        guard let version = Topology.BrokerVersion(rawValue: text) else {
            throw arguments.error("--rabbitmq takes 3 or 4, not \(text)")
        }
        let vhost = settings.broker.uris.first?.vhost ?? "/"
        StandardStream.output.write(json: settings.topology.definitions(vhost: vhost, version: version))
        return .done
    }
}
