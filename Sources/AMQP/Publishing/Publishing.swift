/// A message to publish. It is always persistent.
public struct Publication: Sendable {
    public var exchange: String
    public var routingKey: String
    /// Ask the broker to return the message if no queue takes it.
    public var isMandatory: Bool
    public var properties: Properties
    public var body: [UInt8]

    public init(
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
public enum PublishOutcome: Equatable, Sendable {
    /// The broker has it, on every queue that it was routed to.
    case confirmed
    /// No queue took it (basic.return, then its ack): the reply code and text.
    case unroutable(code: Int, text: String)
    /// basic.nack: a queue refused it, because it is full or broken.
    case refused
    /// It cannot be sent, ever or to this broker: headers or properties that do not fit a frame. Nothing was.
    case invalid(String)
    /// The link was stopped first; the broker may or may not have it.
    case unknown
}

/// Where messages are published: the publishing link, or a test's outbox.
public protocol Publishing: Sendable {
    /// Returns when the broker has answered. A lost connection is not an answer: the publication is sent again on the
    /// next one, under the same message-id, until it is answered or the link is stopped.
    func publish(_ publication: Publication) async -> PublishOutcome
}
