import AMQP
import Clocks
import Jobs
import Messages
import Photos

/// From a delivered message to an item in flight: pure, and run where the message arrives.
struct Intake: Sendable {
    private let names: QueueNames
    /// The types of events that are jobs, as they are now.
    private let eventTypes: @Sendable () -> [String]

    init(prefix: String, eventTypes: @escaping @Sendable () -> [String] = { [] }) {
        names = QueueNames(prefix: prefix)
        self.eventTypes = eventTypes
    }

    /// Deliveries of one message after which the worker that died with it may have died of it. The broker's own limit
    /// is 20.
    /// https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
    static let suspiciousDeliveries: Int64 = 10
    /// Delivery count that quarantines a suspect again: it runs alone, so two deaths with it in flight are its own.
    static let suspiciousDeliveriesAlone: Int64 = 2
    /// How often a job is set apart before it is poison.
    static let suspectsToPoison = 3

    struct Taken {
        var item: InFlightMessage
        /// Whether the message carried own headers on a queue that publishers can write to.
        var hasForgedHeaders: Bool
    }

    func take(_ message: IncomingMessage) -> Taken {
        let lane = names.lane(of: message.queue) ?? .jobs
        let headers = message.properties.headers
        var jobHeaders = lane.carriesOwnHeaders ? JobHeaders(reading: headers) : JobHeaders()
        if lane == .broken { jobHeaders.givenUp = jobHeaders.givenUp ?? GivenUp(reading: headers) }
        if !lane.carriesNewDeadlines { jobHeaders.deadline = nil }
        let isForged = !lane.carriesOwnHeaders && JobHeaders.arePresent(in: headers)
        // Both are bounded: on some queues what a publisher wrote may be among the headers.
        let own = min(message.properties.deliveryCount, JobHeaders.counts.upperBound)
        let deliveries = own + Int64(jobHeaders.deliveries)
        let event = EventReading(message, lane, jobHeaders)
        let content = content(of: message, lane, jobHeaders, deliveries, event)
        if let event { event.note(content, in: &jobHeaders) }
        let item = InFlightMessage(
            message: message, lane: lane, jobHeaders: jobHeaders, content: content, deliveries: deliveries)
        return Taken(item: item, hasForgedHeaders: isForged)
    }

    private func content(
        of message: IncomingMessage, _ lane: Lane, _ jobHeaders: JobHeaders, _ deliveries: Int64, _ event: EventReading?
    ) -> InFlightMessage.Content {
        // Before anything looks at the body: what is in it may be what kills.
        if lane != .broken, jobHeaders.suspect < Self.suspectsToPoison {
            let limit = jobHeaders.suspect > 0 ? Self.suspiciousDeliveriesAlone : Self.suspiciousDeliveries
            if deliveries >= limit { return .suspicious }
        }
        if let content = event?.content(of: message, types: eventTypes) { return content }
        let body: [UInt8]
        switch message.body {
        case .complete(let whole): body = whole
        case .truncated(let beginning, let size, _):
            return .rejected(
                JobDecoder.tooLarge(
                    size: size, beginning: beginning,
                    messageID: lane == .cancel ? nil : message.properties.messageID))
        }
        if lane == .cancel {
            let asked = CancelDecoder.decode(
                body: body, contentType: message.properties.contentType,
                contentEncoding: message.properties.contentEncoding)
            switch asked {
            case .success(let id): return .cancel(id)
            case .failure(let rejection): return .rejected(rejection)
            }
        }
        let decoded = JobDecoder.decode(
            body: body, contentType: message.properties.contentType,
            contentEncoding: message.properties.contentEncoding, messageID: message.properties.messageID)
        switch decoded {
        case .success(let job): return .job(job)
        case .failure(let rejection): return .rejected(rejection)
        }
    }

    /// What of the message's context goes on to the call and the result. `event`: what an event says of it, which counts
    /// where there is no header of that name.
    static func trace(
        of properties: Properties, _ event: (parent: String?, state: String?) = (nil, nil)
    ) -> TraceContext {
        func text(_ name: String) -> String? {
            guard case .string(let bytes)? = properties.headers?[name] else { return nil }
            return String(validating: bytes, as: UTF8.self)
        }
        return TraceContext(
            correlationID: properties.correlationID, traceparent: text("traceparent") ?? event.parent,
            tracestate: text("tracestate") ?? event.state)
    }
}
