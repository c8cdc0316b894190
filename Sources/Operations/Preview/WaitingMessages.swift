package import AMQP
import Concurrency
package import Messages

/// The messages that wait in the worker's lanes: some of them looked at once, and given back.
///
/// Each that is shown has one delivery more by that, in the broker's count: a returned delivery counts. It comes first
/// again, too. So what would come near a limit is laid down anew instead: a copy is published, confirmed, and only then
/// the message is acked. Whatever the interruption, the connection's end gives the rest back; a kill between a confirm and
/// its ack leaves a message twice, of which the second finds what the first has done.
package struct WaitingMessages: Sendable {
    package enum Fate: Sendable {
        case giveBack
        /// It goes, once the broker has this in its place.
        case replace(Publication)
    }

    package enum Look: Sendable {
        /// So many were looked at, of so many that are ready.
        case done(seen: Int, ready: Int)
        /// Somebody consumes that queue; nothing was looked at.
        case consumed(queue: String)
    }

    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// In the order in which a worker prefers them.
    package static let lanes: [Lane] = [.due, .jobs, .bulk]

    private let configuration: LinkConfiguration
    private let names: QueueNames
    private let publish: @Sendable (Publication) async -> PublishOutcome

    /// `configuration`: the worker's own user, who alone may read the lanes.
    package init(
        _ configuration: LinkConfiguration, names: QueueNames,
        publish: @escaping @Sendable (Publication) async -> PublishOutcome
    ) {
        self.configuration = configuration
        self.names = names
        self.publish = publish
    }

    /// Shows at most `limit` of them, and does with each as `visit` says.
    package func look(limit: Int, _ visit: (IncomingMessage) async throws -> Fate) async throws -> Look {
        let session = try BrokerAdmin(configuration)
        return try await QueueLook.using(session) { try await look(limit: limit, session, visit) }
    }

    private func look(
        limit: Int, _ session: BrokerAdmin, _ visit: (IncomingMessage) async throws -> Fate
    ) async throws -> Look {
        var ready = 0
        var wanted: [ConsumedQueue] = []
        var expected = 0
        for lane in Self.lanes {
            let queue = names.queue(lane)
            guard let depth = try await session.inspect(queue: queue) else {
                throw Failure(description: "there is no queue \(queue); run `topology declare`")
            }
            guard depth.consumers == 0 else { return .consumed(queue: queue) }
            ready += depth.messages
            let share = min(depth.messages, limit - expected)
            if share > 0 { wanted.append(ConsumedQueue(name: queue, prefetch: UInt16(share))) }
            expected += share
        }
        guard expected > 0 else { return .done(seen: 0, ready: 0) }
        let seen = try await QueueLook.follow(configuration, wanted) { sights, link in
            var replaced: [Replacement] = []
            let seen = try await follow(&sights, expected: expected, wanted, session) { message in
                switch try await visit(message) {
                case .giveBack: break
                case .replace(let copy): replaced.append(Replacement(tag: message.tag, copy: copy))
                }
            }
            try await replace(replaced, link)
            return seen
        }
        return .done(seen: seen, ready: ready)
    }

    private struct Replacement {
        let tag: DeliveryTag
        let copy: Publication
    }

    /// Once nothing is consumed any more: each ack makes a place for a delivery, which would be one of the copies.
    private func replace(_ replaced: [Replacement], _ link: ConsumingLink) async throws {
        guard !replaced.isEmpty else { return }
        link.consume([])
        // The consumers are cancelled in the round that takes this, before what is posted then.
        await withCheckedContinuation { done in link.ping { done.resume() } }
        for replacement in replaced {
            switch await publish(replacement.copy) {
            case .confirmed: link.ack(replacement.tag)
            // It fits no frame, and goes back with the others.
            case .invalid: break
            case .unroutable, .refused, .unknown:
                throw Failure(
                    description: "the broker did not take a copy for \(replacement.copy.routingKey): try again")
            }
        }
    }

    private func follow(
        _ sights: inout QueueLook.Sights, expected: Int, _ queues: [ConsumedQueue], _ session: BrokerAdmin,
        _ visit: (IncomingMessage) async throws -> Void
    ) async throws -> Int {
        var seen = 0
        while let sight = await sights.next() {
            switch sight {
            case .message(let message):
                seen += 1
                try await visit(message)
                if seen >= expected { return seen }
            case .lost(let error):
                throw Failure(description: "\(error); \(seen) messages were looked at, and go back: try again")
            case .quiet:
                var left = 0
                for queue in queues { left += try await session.inspect(queue: queue.name)?.messages ?? 0 }
                // Others took what was counted.
                if left == 0 { return seen }
            }
        }
        return seen
    }
}
