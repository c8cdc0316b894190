import AMQP
import Clocks
import Jobs
import Ledger
import Messages
import Tracing

/// What the span of a delivery says of its message, by the conventions for RabbitMQ.
/// https://github.com/open-telemetry/semantic-conventions/blob/v1.40.0/docs/messaging/rabbitmq.md
struct TracedMessage: Sendable {
    private let message: IncomingMessage
    private let lane: Lane
    private let jobID: JobID?
    private let generation: Int
    private let deliveries: Int64

    init(_ item: InFlightMessage) {
        message = item.message
        lane = item.lane
        generation = item.jobHeaders.generation
        deliveries = item.deliveries
        switch item.content {
        case .job(let job): jobID = job.id
        case .cancel(let id): jobID = id
        case .rejected(let rejection): jobID = rejection.jobID
        case .suspicious: jobID = nil
        }
    }

    var receivedAt: MonotonicTime { message.receivedAt }
    var isRedelivered: Bool { message.isRedelivered || deliveries > 0 }

    /// Exchange, routing key and queue, as far as each says something.
    var destination: String {
        var parts = [message.exchange, message.routingKey]
        if message.queue != message.routingKey { parts.append(message.queue) }
        return parts.filter { !$0.isEmpty }.joined(separator: ":")
    }

    var attributes: [SpanAttribute] {
        var attributes = MessagingAttributes.of(
            "process", destination: destination, routingKey: message.routingKey, message.properties,
            bodySize: message.body.size)
        attributes.append(SpanAttribute("messaging.rabbitmq.message.delivery_tag", Int(clamping: message.tag.number)))
        attributes.append(SpanAttribute("leave_album.lane", lane.rawValue))
        if let jobID { attributes.append(SpanAttribute("leave_album.job.id", jobID.string)) }
        if generation > 0 { attributes.append(SpanAttribute("leave_album.generation", generation)) }
        if isRedelivered { attributes.append(SpanAttribute("leave_album.redelivered", true)) }
        return attributes
    }
}

/// What spans say of any message, sent or received.
enum MessagingAttributes {
    static func of(
        _ operation: String, destination: String, routingKey: String, _ properties: Properties, bodySize: Int
    ) -> [SpanAttribute] {
        var attributes = [
            SpanAttribute("messaging.system", "rabbitmq"), SpanAttribute("messaging.operation.name", operation),
            SpanAttribute("messaging.operation.type", operation),
            SpanAttribute("messaging.destination.name", destination),
        ]
        if !routingKey.isEmpty {
            attributes.append(SpanAttribute("messaging.rabbitmq.destination.routing_key", routingKey))
        }
        if let id = properties.messageID { attributes.append(SpanAttribute("messaging.message.id", id)) }
        if let id = properties.correlationID {
            attributes.append(SpanAttribute("messaging.message.conversation_id", id))
        }
        attributes.append(SpanAttribute("messaging.message.body.size", bodySize))
        return attributes
    }
}

extension IncomingMessage.Body {
    fileprivate var size: Int {
        switch self {
        case .complete(let bytes): bytes.count
        case .truncated(_, let size, _): Int(clamping: size)
        }
    }
}

extension OpenSpan {
    /// A message goes to the broker: until it is confirmed.
    func begin(sending publication: Publication, at now: MonotonicTime) {
        begin(at: now) {
            let destination = [publication.exchange, publication.routingKey].filter { !$0.isEmpty }
                .joined(separator: ":")
            return (
                "send \(destination)", .producer,
                MessagingAttributes.of(
                    "send", destination: destination, routingKey: publication.routingKey, publication.properties,
                    bodySize: publication.body.count)
            )
        }
    }

    /// The context in which a result was to be sent before, if that was another one.
    func recorded(_ result: StoredResult) -> SpanContext? {
        guard let before = result.traceparent.flatMap({ SpanContext(traceparent: $0) }),
            before.spanID != context.spanID
        else { return nil }
        return before
    }
}

extension SpanContext {
    /// Into the headers of a message that is sent, in the place of what came.
    func write(to headers: inout FieldTable, of source: Properties) {
        headers.fields.removeAll { field in
            ["traceparent", "tracestate"].contains { field.name.elementsEqual($0.utf8) }
        }
        headers.append("traceparent", .text(traceparent))
        if let tracestate = Intake.trace(of: source).tracestate { headers.append("tracestate", .text(tracestate)) }
    }
}
