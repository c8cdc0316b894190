import AMQP
import Clocks
import ScriptedPeer
import Secrets
import Testing

extension Stress {
    /// A peer that speaks as much AMQP as a link needs, until it is left.
    private static func serving(_ body: (LinkConfiguration) async throws -> Void) async throws {
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            while let frame = try? peer.readAMQPFrame() {
                guard let call = frame.call else { continue }
                try? peer.answer(frame, call)
                if call == .connectionClose { return }
            }
        } _: { peer in
            try await body(
                LinkConfiguration(
                    endpoints: [Endpoint(host: "127.0.0.1", port: Int(peer.port))],
                    authentication: .plain(username: "guest", password: Secret(copying: Array("guest".utf8))),
                    connectionName: "stress", connectTimeout: .seconds(2), requestTimeout: .seconds(2)))
        }
    }

    @Test func consumingLink() async throws {
        try await Self.serving { configuration in
            try await Self.rounds { moment in
                let link = try ConsumingLink(configuration) { _ in }
                link.consume([ConsumedQueue(name: "q", prefetch: 1)])
                try await Task.sleep(for: moment)
                try await Self.twice { link.stop() }
            }
        }
    }

    @Test func publishingLink() async throws {
        try await Self.serving { configuration in
            try await Self.rounds { moment in
                let link = try PublishingLink(configuration) { _ in }
                let publishing = Task {
                    await link.publish(
                        Publication(exchange: "", routingKey: "q", properties: Properties(), body: [1]))
                }
                try await Task.sleep(for: moment)
                try await Self.twice { link.stop() }
                // The peer confirms nothing.
                #expect(await publishing.value == .unknown)
            }
        }
    }

    @Test func brokerSession() async throws {
        try await Self.serving { configuration in
            try await Self.rounds { moment in
                let session = try BrokerAdmin(configuration)
                let asking = Task { try? await session.connect() }
                try await Task.sleep(for: moment)
                try await Self.twice { session.stop() }
                _ = await asking.value
            }
        }
    }
}
