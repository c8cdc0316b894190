import AMQP
import Clocks
import Daemon
import HTTP
import JSON
import Operations
import Secrets
import Settings

/// What is to be said of the broker's exchanges and queues.
struct TopologyVerification: Sendable {
    var differences: [Topology.Difference]
    var notes: [String]

    /// By the management interface, if there is one; else by what AMQP tells.
    static func run(_ settings: DaemonSettings, management url: String?) async throws -> TopologyVerification {
        let session = try BrokerAdmin(try settings.link("verify", asOperator: true))
        guard let url else {
            let (differences, isWhole) = try await settings.topology.differences(on: session)
            var notes = ["effective policies and bindings were not looked at: give --management URL"]
            if !isWhole {
                notes.append("arguments were not compared: this user may not configure; give --management URL")
            }
            return Self(differences: differences, notes: notes)
        }
        try await session.connect()
        let user = try settings.managementUser()
        let engine = try HTTPEngine(settings.managementHTTP)
        let api = ManagementAPI(
            engine, baseURL: url, vhost: settings.broker.uris.first?.vhost ?? "/", username: user.name,
            password: user.password)
        let comparison = try await settings.topology.compared(by: api)
        return Self(differences: comparison.differences, notes: comparison.notes)
    }

    var json: JSONValue {
        .object([
            .init(
                "differences",
                .array(
                    differences.map {
                        .object([.init("what", .text($0.what)), .init("detail", .text($0.detail))])
                    })), .init("notes", .array(notes.map(JSONValue.text))),
        ])
    }
}
