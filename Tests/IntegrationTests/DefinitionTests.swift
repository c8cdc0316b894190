import AMQP
import Foundation
import Operations
import PrivateBroker
import Secrets
import Testing

extension OnABroker {
    /// `config/rabbitmq/definitions.json` on a broker of its kind: what it makes, and who may do what with it.
    ///
    /// One node for the whole test: its names are the real ones, so no other test may have them.
    @Suite struct Definitions {
        private static let password = "a-password-of-this-test"
        private static let topology = Topology(
            prefix: "leave-album", delays: [5, 30, 120, 600, 3600, 21600].map { Duration.seconds($0) })

        private static var file: String {
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("config/rabbitmq/definitions.json").path
        }

        @Test func eachUserMayDoWhatItMustAndNothingElse() async throws {
            let broker = try await PrivateBroker()
            try await broker.importDefinitions(Self.file)
            let nobody = try await permits("worker", broker) { _ = try await $0.inspect(queue: "leave-album.jobs") }
            #expect(!nobody, "without a password nobody is let in")
            try await setPasswords(broker)

            // The same arguments: others would be refused with 406.
            #expect(try await permits("provisioner", broker) { try await Self.topology.declare(on: $0) })
            try await rightsOverQueues(broker)
            try await rightsToPublish(broker)
            try await aDayOfWorker(broker)
            await broker.end()
        }

        /// One call instead of five: each starts a node of its own to talk to the broker.
        private func setPasswords(_ broker: PrivateBroker) async throws {
            let users = ["provisioner", "worker", "operator", "publisher", "consumer"]
            let calls = users.map { user in
                "ok = rabbit_auth_backend_internal:change_password("
                    + "<<\"leave-album-\(user)\">>, <<\"\(Self.password)\">>, <<\"test\">>)"
            }
            try await broker.control("eval", calls.joined(separator: ", ") + ".")
        }

        private func configuration(_ user: String, _ broker: PrivateBroker) -> LinkConfiguration {
            LinkConfiguration(
                endpoints: [Endpoint(host: "127.0.0.1", port: broker.port)],
                authentication: .plain(
                    username: "leave-album-\(user)", password: Secret(copying: Array(Self.password.utf8))),
                connectionName: "definitions", reconnects: false)
        }

        /// Whether the broker lets the user do that: false is its refusal, and anything else is thrown.
        private func permits(
            _ user: String, _ broker: PrivateBroker, _ body: (BrokerAdmin) async throws -> Void
        ) async throws -> Bool {
            let session = try BrokerAdmin(configuration(user, broker))
            defer { session.stop() }
            do {
                try await body(session)
                return true
            } catch let error as LinkError where error.kind == .channelClosed(403) || error.kind == .loginRefused {
                return false
            }
        }

        private func rightsOverQueues(_ broker: PrivateBroker) async throws {
            // To empty a queue is a right to read it.
            let readable: [String: Set<String>] = [
                "worker": ["jobs", "bulk", "due", "cancel", "broken"], "operator": ["dead", "results"],
                "publisher": [], "consumer": ["results"],
            ]
            for (user, own) in readable {
                for queue in ["jobs", "bulk", "due", "cancel", "broken", "dead", "results", "retry.5s"] {
                    let may = try await permits(user, broker) { _ = try await $0.purge(queue: "leave-album.\(queue)") }
                    #expect(may == own.contains(queue), "\(user) reads \(queue)")
                }
                for name in ["leave-album.worker", "leave-album.tail.1", "leave-album.more", "other"] {
                    let may = try await permits(user, broker) { session in
                        try await session.declare(QueueDeclaration(name: name, isDurable: false, isExclusive: true))
                    }
                    let own = ["worker": "leave-album.worker", "operator": "leave-album.tail.1"][user]
                    #expect(may == (name == own), "\(user) declares \(name)")
                }
                let deletes = try await permits(user, broker) { try await $0.delete(queue: "leave-album.dead") }
                #expect(!deletes, "\(user) deletes letters")
            }
            // What `submit --wait` and `results` follow by.
            let follows = try await permits("operator", broker) { session in
                let tail = "leave-album.tail.2"
                try await session.declare(QueueDeclaration(name: tail, isDurable: false, isExclusive: true))
                try await session.bind(queue: tail, to: "leave-album.results", routingKey: "leave.#")
            }
            #expect(follows)
        }

        private func rightsToPublish(_ broker: PrivateBroker) async throws {
            let places = [
                ("leave-album.jobs", "leave"), ("", "leave-album.due"), ("leave-album.dead", ""),
                ("leave-album.results", "leave.left"),
            ]
            let allowed: [String: Set<String>] = [
                "worker": ["", "leave-album.dead", "leave-album.results"], "operator": ["", "leave-album.jobs"],
                "publisher": ["leave-album.jobs"], "consumer": [],
            ]
            for (user, own) in allowed {
                for (exchange, key) in places {
                    let link = try PublishingLink(configuration(user, broker)) { _ in }
                    let outcome = await link.publish(
                        Publication(exchange: exchange, routingKey: key, properties: Properties(), body: [0x7b]))
                    link.stop()
                    #expect(
                        (outcome == .confirmed) == own.contains(exchange), "\(user) to \(exchange) \(key): \(outcome)")
                }
            }
            let provisioner = try BrokerAdmin(configuration("provisioner", broker))
            for queue in Self.topology.queues { _ = try await provisioner.purge(queue: queue.name) }
            provisioner.stop()
        }

        /// The daemon as the worker, and an operator who submits a job and waits for its result.
        private func aDayOfWorker(_ broker: PrivateBroker) async throws {
            let harness = try TemporaryDirectory("definitions")
            let simulator = try ChildProcess(
                [
                    DaemonHarness.products.appendingPathComponent("photos-simulator").path, "--auto-members",
                    "--port-file",
                    harness.file("port").path,
                ], output: harness.file("simulator.out"))
            try await eventually("the simulator listens") {
                FileManager.default.fileExists(atPath: harness.file("port").path)
            }
            let port = try String(contentsOf: harness.file("port"), encoding: .utf8).dropLast()
            try harness.write("password", Self.password)
            try harness.write("tokens", "acc1\tsim:acc1\n")
            try harness.write("jobs", #"{"jobId":"by-the-operator","account":"acc1","shareToken":"album-1"}"# + "\n")
            let settings = try harness.write(
                "d.toml",
                """
                [broker]
                uris = ["amqp://127.0.0.1:\(broker.port)"]
                username = "leave-album-worker"
                password_file = "\(harness.file("password").path)"
                topology = "verify"
                [broker.operator]
                username = "leave-album-operator"
                password_file = "\(harness.file("password").path)"
                [api]
                base_url = "http://127.0.0.1:\(port)"
                [credentials]
                providers = ["static"]
                [credentials.static]
                token_file = "\(harness.file("tokens").path)"
                [ledger]
                path = "\(harness.file("ledger.sqlite3").path)"
                [admin]
                listen = "127.0.0.1:0"
                control_socket = "\(harness.file("control.sock").path)"
                [log]
                format = "text"
                """
            ).path
            let program = DaemonHarness.products.appendingPathComponent("leave-albumd").path
            let daemon = try ChildProcess(
                [program, "run", "--new-ledger", "--config", settings], output: harness.file("daemon.out"))
            try await eventually("the daemon consumes: \(daemon.text)") {
                daemon.text.contains("queues=leave-album.due,")
            }
            let submitted = try await ChildProcess.run([
                program, "submit", "--file", harness.file("jobs").path, "--wait", "--config", settings,
            ])
            #expect(submitted.ending == .exited(0), "\(submitted.text) \(daemon.text)")
            let deadLetters = try await ChildProcess.run([program, "dead", "list", "--config", settings])
            #expect(deadLetters.ending == .exited(0), "\(deadLetters.text)")
            daemon.signal(SIGTERM)
            #expect(await daemon.wait() == .exited(0))
            simulator.signal(SIGTERM)
            _ = await simulator.wait()
        }
    }
}
