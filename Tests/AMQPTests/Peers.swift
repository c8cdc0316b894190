import Clocks
import Concurrency
import Foundation
import ScriptedPeer
import Secrets

@testable import AMQP

/// A link's configuration for a scripted peer.
func configuration(
    _ ports: UInt16..., heartbeat: Duration = .seconds(10), adjust: (inout LinkConfiguration) -> Void = { _ in }
) -> LinkConfiguration {
    var configuration = LinkConfiguration(
        endpoints: ports.map { Endpoint(host: "127.0.0.1", port: Int($0)) },
        authentication: .plain(username: "guest", password: Secret(copying: Array("guest".utf8))),
        connectionName: "the test", heartbeat: heartbeat)
    adjust(&configuration)
    return configuration
}

func message(
    _ id: String, key: String = "q", body: [UInt8] = [1], _ adjust: (inout Properties) -> Void = { _ in }
) -> Publication {
    var properties = Properties()
    properties.messageID = id
    adjust(&properties)
    return Publication(exchange: "", routingKey: key, properties: properties, body: body)
}

/// What a link told, kept in order.
final class Collected<Event: Sendable>: Sendable {
    private let state = Lock<[Event]>([])

    func add(_ event: Event) { state.withLock { $0.append(event) } }
    var all: [Event] { state.withLock { $0 } }
}

struct NeverHappened: Error {
    let what: String
}

/// Waits for another thread's doing, as long as a peer waits for the link's.
func eventually(_ what: String, _ isSo: () -> Bool) async throws {
    let deadline = Date().addingTimeInterval(RawPeer.timeout.inSeconds)
    while !isSo() {
        guard Date() < deadline else { throw NeverHappened(what: what) }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// A publishing link for as long as `body` runs.
func publishing<Answer>(
    _ configuration: LinkConfiguration, _ body: (PublishingLink, Collected<PublishingEvent>) async throws -> Answer
) async throws -> Answer {
    let reported = Collected<PublishingEvent>()
    let link = try PublishingLink(configuration) { reported.add($0) }
    do {
        let answer = try await body(link, reported)
        await stopped { link.stop() }
        return answer
    } catch {
        await stopped { link.stop() }
        throw error
    }
}

/// A consuming link of the queue `q` for as long as `body` runs.
func consuming<Answer>(
    _ configuration: LinkConfiguration, _ body: (ConsumingLink, Collected<ConsumingEvent>) async throws -> Answer
) async throws -> Answer {
    let reported = Collected<ConsumingEvent>()
    let link = try ConsumingLink(configuration) { reported.add($0) }
    link.consume([ConsumedQueue(name: "q", prefetch: 10)])
    do {
        let answer = try await body(link, reported)
        await stopped { link.stop() }
        return answer
    } catch {
        await stopped { link.stop() }
        throw error
    }
}

/// The peer's side, up to a consumer.
func consumed(_ peer: RawConnection) throws {
    try peer.acceptAMQP()
    let consume = try peer.answering(until: .consume)
    try peer.answer(consume, .consume)
}

/// What joins a thread is for a thread of its own.
func stopped(_ stop: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
        Thread.detachNewThread {
            stop()
            done.resume()
        }
    }
}

extension Collected<ConsumingEvent> {
    var losses: [LinkError] {
        all.compactMap { if case .lost(_, let error) = $0 { error } else { nil } }
    }

    var messages: [IncomingMessage] {
        all.compactMap { if case .message(let message) = $0 { message } else { nil } }
    }

    var generations: [UInt64] {
        all.compactMap { event in
            if case .consuming(let generation, let queues) = event, !queues.isEmpty { generation } else { nil }
        }
    }
}

extension Collected<PublishingEvent> {
    var losses: [LinkError] {
        all.compactMap { if case .lost(let error) = $0 { error } else { nil } }
    }

    var connections: Int {
        all.count { if case .connected = $0 { true } else { false } }
    }
}
