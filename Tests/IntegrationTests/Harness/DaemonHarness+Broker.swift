import AMQP
import Concurrency
import Foundation
import PrivateBroker
import Secrets

/// Messages and connections of the test's queues.
extension DaemonHarness {
    /// A link of a test's own, which waits for the broker as long as a test does.
    static func link(to broker: PrivateBroker, _ name: String) -> LinkConfiguration {
        LinkConfiguration(
            endpoints: [Endpoint(host: "127.0.0.1", port: broker.port)],
            authentication: .plain(username: "guest", password: Secret(copying: Array("guest".utf8))),
            connectionName: name, connectTimeout: .seconds(240), requestTimeout: .seconds(240))
    }

    static func body(_ id: String, account: String, token: String, more: String = "") -> [UInt8] {
        Array(#"{"jobId":"\#(id)","account":"\#(account)","shareToken":"\#(token)"\#(more)}"#.utf8)
    }

    nonisolated func publish(
        _ body: [UInt8], key: String = "leave",
        _ adjust: (inout Properties) -> Void = { _ in }
    ) async throws {
        var properties = Properties()
        properties.contentType = "application/json"
        adjust(&properties)
        let outcome = await publisher.publish(
            Publication(exchange: "\(prefix).jobs", routingKey: key, properties: properties, body: body))
        guard outcome == .confirmed else { throw Failure(description: "publishing: \(outcome)") }
    }

    /// What makes a daemon log in as a user of this test's own, whose connections are closed without anybody else's.
    nonisolated func makeUser() async throws -> [String: String] {
        try await broker.control("add_user", prefix, "secret")
        try await broker.control("set_permissions", prefix, ".*", ".*", ".*")
        try directory.write("password", "secret\n")
        return [
            "LEAVE_ALBUMD_BROKER_USERNAME": prefix,
            "LEAVE_ALBUMD_BROKER_PASSWORD_FILE": directory.file("password").path,
        ]
    }

    /// Whether that user may. A channel that has published goes on; the next one may not.
    nonisolated func permitPublishing(_ isPermitted: Bool) async throws {
        try await broker.control("set_permissions", prefix, ".*", isPermitted ? ".*" : "^$", ".*")
    }

    nonisolated func closeConnectionsOfUser() async throws {
        try await broker.control("close_all_user_connections", prefix, "test")
    }

    nonisolated func depth(_ queue: String) async throws -> Int {
        try await session.inspect(queue: "\(prefix).\(queue)")?.messages ?? -1
    }

    /// Everything that lies in a queue, taken out of it, when that is `count` different messages. Copies of one, which
    /// a restart makes, count once.
    nonisolated func take(_ queue: String, atLeast count: Int) async throws -> [IncomingMessage] {
        let collector = Collector()
        // A copy that is still on its way here when the queue looks empty would be another call's answer.
        let waiting = try await depth(queue)
        let link = try ConsumingLink(Self.link(to: broker, "stage take")) { event in
            if case .message(let message) = event { collector.add(message) }
        }
        link.consume([ConsumedQueue(name: "\(prefix).\(queue)", prefetch: 500)])
        defer { link.stop() }
        var acked = 0
        func ackNew() {
            let messages = collector.messages
            for message in messages[acked...] { link.ack(message.tag) }
            acked = messages.count
        }
        let deadline = Date().addingTimeInterval(ChildProcess.timeout)
        while Self.distinct(collector.messages) < count || collector.messages.count < waiting, Date() < deadline {
            ackNew()
            try await Task.sleep(for: .milliseconds(20))
        }
        // What is still coming belongs to the answer too.
        try await eventually("queue \(queue) is empty") {
            ackNew()
            return try await self.depth(queue) == 0
        }
        ackNew()
        return collector.messages
    }

    private static func distinct(_ messages: [IncomingMessage]) -> Int {
        let named = messages.compactMap(\.properties.messageID)
        return Set(named).count + messages.count - named.count
    }
}

private final class Collector: Sendable {
    private let state = Lock<[IncomingMessage]>([])

    func add(_ message: IncomingMessage) { state.withLock { $0.append(message) } }
    var messages: [IncomingMessage] { state.withLock { $0 } }
}
