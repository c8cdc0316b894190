/// A message to publish. It is persistent, unless it is only offered. A class, because it goes through many hands and has a
/// dozen strings.
package final class Publication: Sendable {
    package let exchange: String
    package let routingKey: String
    /// Ask the broker to return the message if no queue takes it.
    package let isMandatory: Bool
    package let properties: Properties
    package let body: [UInt8]

    package init(
        exchange: String, routingKey: String, isMandatory: Bool = true, properties: Properties, body: [UInt8]
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.isMandatory = isMandatory
        self.properties = properties
        self.body = body
    }
}

/// How a publication ended.
package enum PublishOutcome: Equatable, Sendable {
    /// The broker has it, on every queue that it was routed to.
    case confirmed
    /// No queue took it (basic.return, then its ack), or the channel was closed for it, as without a right to publish there:
    /// the reply code and text.
    case unroutable(code: Int, text: String)
    /// basic.nack: a queue refused it, because it is full or broken.
    case refused
    /// The message cannot be sent to this broker: its headers do not fit a frame. Nothing was sent.
    case invalid(String)
    /// The link was stopped first; the broker may or may not have it.
    case unknown
}

extension PublishOutcome {
    /// What is wrong with where it was to go, and what mends that. https://www.rabbitmq.com/docs/access-control
    package static func advice(code: Int, text: String) -> String {
        switch code {
        case 403: "its user may not publish there (\(code) \(text)); let it write to that exchange"
        default: "the broker has no queue for it (\(code) \(text)); run `topology declare`"
        }
    }
}

/// Where messages are published: the publishing link, or a test's outbox.
package protocol Publishing: Sendable {
    /// Returns when the broker has answered. A lost connection is not an answer: the publication is sent again on the
    /// next one, under the same message-id, until it is answered or the link is stopped.
    func publish(_ publication: Publication) async -> PublishOutcome

    /// Sends a message that nobody depends on, once: transient, not mandatory, and never again if it is lost. It is dropped
    /// where it could be in the way of others: while the broker takes nothing, and while half of what may be unconfirmed
    /// is. Returns at once; what became of it is a number in `LinkReading`.
    func offer(_ publication: Publication)
}
