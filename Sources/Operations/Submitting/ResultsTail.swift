package import AMQP
package import Concurrency
package import JSON
package import Jobs
package import Messages
import Secrets

/// A result as the results exchange gave it.
package struct FollowedResult: Sendable {
    package let messageID: String
    package let isReplayed: Bool
    package let body: [UInt8]
    package let json: JSONValue
    /// Nil for what is no result that can be believed, whatever some of its members say.
    private let result: JobResult?
    /// Names and values; empty for a message that is no event.
    private let eventAttributes: [(name: String, value: [UInt8])]

    package var jobID: JobID? { result?.jobID }
    package var generation: Int { result?.generation ?? 0 }
    package var outcome: Outcome? { result?.outcome }

    /// Whether it rejects the message of this body, whose digest its message-id holds.
    package func rejects(_ body: [UInt8]) -> Bool {
        result?.reason.map { messageID == JobResult.messageID(rejecting: SHA256Digest(of: body), for: $0) } ?? false
    }
}

/// Follows results live through an exclusive queue, so that none is taken from the results queue.
package final class ResultsTail: Sendable {
    package enum Event: Sendable {
        /// Every result from now on is seen. After a lost connection it comes again: there may be a gap before it.
        case following
        case result(FollowedResult)
        case lost(LinkError)
    }

    private let link: ConsumingLink
    /// One follower.
    package let events: AsyncStream<Event>

    /// A follower on a slow terminal slows only itself.
    private static let prefetch: UInt16 = 500

    package init(_ configuration: LinkConfiguration, prefix: String) throws(SystemCallError) {
        let names = QueueNames(prefix: prefix)
        let queue = names.follower(JobID.generated().string.prefix(12))
        let (events, feed) = AsyncStream<Event>.makeStream()
        self.events = events
        let slot = Lock<ConsumingLink?>(nil)
        link = try ConsumingLink(
            configuration,
            privateQueue: PrivateQueue(
                name: queue, bindings: [.init(exchange: names.resultsExchange, routingKey: RoutingKey.everyResult)])
        ) { event in
            switch event {
            case .consuming(_, let queues): if !queues.isEmpty { feed.yield(.following) }
            case .message(let message):
                if let result = FollowedResult(message) { feed.yield(.result(result)) }
                slot.withLock { $0 }?.ack(message.tag)
            case .lost(_, let error): feed.yield(.lost(error))
            case .stopped: feed.finish()
            case .connected, .standby: break
            }
        }
        slot.withLock { $0 = link }
        link.consume([ConsumedQueue(name: queue, prefetch: Self.prefetch)])
        // The link's thread keeps the closure, and the closure the link, until `stop`.
        feed.onTermination = { _ in slot.withLock { $0 = nil } }
    }

    /// Closes the connection, and with it the queue. Not from a task: it waits.
    package func stop() { link.stop() }
}

extension FollowedResult {
    init?(_ message: IncomingMessage) {
        guard case .complete(let body) = message.body, let json = try? JSONValue.parse(body) else { return nil }
        self.init(
            messageID: message.properties.messageID ?? "",
            isReplayed: ResultMessage.isReplayed(message.properties), body: body, json: json,
            result: try? JobResult.decode(body),
            eventAttributes: ResultEvents.attributes(of: message.properties))
    }

    /// The event that it is, in structured mode; a message that is none as the one that it would be by these settings.
    package func event(else events: ResultEvents) -> [UInt8] {
        var text = JSONText(capacity: body.count + 512)
        text.begin(.object)
        for (name, value) in eventAttributes.isEmpty ? attributes(by: events) : eventAttributes {
            text.name(Array(name.utf8))
            text.string(value)
        }
        text.member("datacontenttype", "application/json")
        text.name("data")
        return text.bytes + body + [UInt8(ascii: "}")]
    }

    private func attributes(by events: ResultEvents) -> [(name: String, value: [UInt8])] {
        events.attributes(
            messageID: messageID, subject: result?.jobID?.utf8, time: result?.completedAt.map { Array($0.utf8) })
    }
}
