package import AMQP
import Concurrency
import Jobs
package import Messages

/// The dead letters on the broker: looked at without taking them, taken one by one, or given out again.
///
/// Looking gives each dead letter back when the connection closes, and that counts as a delivery, of which a broker may
/// permit only so many. A dead letter that was given back before is therefore laid down anew: a copy is published,
/// confirmed, and only then the old one is acked. So no dead letter comes near a limit, whatever the broker's version
/// and policies say, and an interruption leaves at worst the same dead letter twice.
package final class DeadLetterQueue: Sendable {
    package enum Fate: Sendable {
        /// It stays.
        case keep
        /// It is acked: the dead letter is gone.
        case remove
        /// It stays, and no other is looked at.
        case stop
    }

    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    private let configuration: LinkConfiguration
    private let names: QueueNames
    private let outbox: any Publishing

    /// RabbitMQ gives a quorum queue's consumer at most 2,000 messages at once.
    package static let window = 1_500

    package init(_ configuration: LinkConfiguration, prefix: String, outbox: any Publishing) {
        self.configuration = configuration
        names = QueueNames(prefix: prefix)
        self.outbox = outbox
    }

    private var queue: String { names.deadLetters }

    package struct Pass: Sendable {
        /// Dead letters that were shown.
        package var seen: Int
        /// Dead letters in the queue when the look began.
        package var total: Int
    }

    /// Shows each dead letter once and does with it as `visit` says. With `all`, those that stay are laid down anew
    /// where they would block the view of those behind; without, at most `window` are shown.
    package func browse(
        all: Bool, _ visit: (DeadLetter) async throws -> Fate, until isEnough: () -> Bool = { false }
    ) async throws -> Pass {
        let session = try BrokerAdmin(configuration)
        return try await QueueLook.using(session) { try await browse(all: all, session, visit, isEnough) }
    }

    private func browse(
        all: Bool, _ session: BrokerAdmin, _ visit: (DeadLetter) async throws -> Fate, _ isEnough: () -> Bool
    ) async throws -> Pass {
        guard let depth = try await session.inspect(queue: queue) else {
            throw Failure(description: "there is no queue \(queue); run `topology declare`")
        }
        let total = depth.messages
        guard total > 0 else { return Pass(seen: 0, total: 0) }
        let consumed = ConsumedQueue(name: queue, prefetch: UInt16(Self.window))
        return try await QueueLook.follow(configuration, [consumed]) { sights, link in
            try await follow(&sights, total: total, all: all, link, session, visit, isEnough)
        }
    }

    private func follow(
        _ sights: inout QueueLook.Sights, total: Int, all: Bool, _ link: ConsumingLink, _ session: BrokerAdmin,
        _ visit: (DeadLetter) async throws -> Fate, _ isEnough: () -> Bool
    ) async throws -> Pass {
        let browser = JobID.generated().string
        var seen = 0
        var held = 0
        while let sight = await sights.next() {
            switch sight {
            case .message(let message):
                let deadLetter = DeadLetter(reading: message)
                if deadLetter.browser == browser { continue }
                seen += 1
                switch try await visit(deadLetter) {
                case .remove: link.ack(message.tag)
                case .stop: return Pass(seen: seen, total: total)
                case .keep:
                    held += 1
                    let wasGivenBack = message.properties.deliveryCount > 0
                    if deadLetter.isWhole, wasGivenBack || (all && held > Self.window / 2) {
                        try await publish(deadLetter, deadLetter.relaid(by: browser), to: queue)
                        link.ack(message.tag)
                        held -= 1
                    }
                }
                if isEnough() { return Pass(seen: seen, total: total) }
                if seen >= (all ? total : min(total, Self.window)) { return Pass(seen: seen, total: total) }
            case .lost(let error): throw Failure(description: "\(error); \(seen) letters were looked at: try again")
            case .quiet:
                // Others took what was counted.
                if try await session.inspect(queue: queue)?.messages == 0 { return Pass(seen: seen, total: total) }
            }
        }
        return Pass(seen: seen, total: total)
    }

    /// Gives the dead letter's job out again, as its next generation and with that deadline in the place of its own.
    /// When this returns, the broker has it, and the dead letter can go. A kill in between leaves both: the redrive
    /// that comes after makes the same generation once more, and the one that is claimed first is the one that runs.
    package func redrive(_ deadLetter: DeadLetter, generation: Int, deadline: NewDeadline? = nil) async throws {
        try await publish(
            deadLetter, deadLetter.redriven(asGeneration: generation, deadline: deadline), to: names.queue(.due))
    }

    private func publish(_ deadLetter: DeadLetter, _ properties: Properties, to queue: String) async throws {
        guard case .complete(let body) = deadLetter.message.body else {
            throw Failure(description: "the letter's body is too large to be moved")
        }
        let outcome = await outbox.publish(
            Publication(exchange: "", routingKey: queue, properties: properties, body: body))
        guard outcome == .confirmed else {
            throw Failure(description: "the broker did not take a message for \(queue): \(outcome)")
        }
    }
}
