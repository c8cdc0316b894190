package import AMQP
package import Clocks
import Concurrency
package import Jobs

/// The message that carries a result, now and at every replay.
package struct ResultMessage: Equatable, Sendable {
    static let appID = "leave-albumd"
    static let type = "leave-album.result.v1"

    /// `<jobId>#<generation>`, or what a rejected message has in its place; see `JobResult.messageID`.
    package var messageID: String
    package var correlationID: String?
    package var traceparent: String?
    package var tracestate: String?
    package var outcome: Outcome
    package var completedAt: Timestamp
    /// As it was encoded once.
    package var body: [UInt8]
    /// The broker has had it before, and consumers that deduplicate pass over it.
    package var isReplayed: Bool

    package init(
        messageID: String, correlationID: String?, traceparent: String?, tracestate: String?, outcome: Outcome,
        completedAt: Timestamp, body: [UInt8], isReplayed: Bool
    ) {
        self.messageID = messageID
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.outcome = outcome
        self.completedAt = completedAt
        self.body = body
        self.isReplayed = isReplayed
    }

    /// `events`: as a CloudEvent.
    package func publication(under names: QueueNames, as events: ResultEvents? = nil) -> Publication {
        Publication(
            exchange: names.resultsExchange, routingKey: RoutingKey.result(outcome), properties: properties(events),
            body: body)
    }

    /// Whether a result that came from the results exchange is a replay.
    package static func isReplayed(_ properties: Properties) -> Bool {
        properties.headers?[JobHeaders.Name.replayed] == .boolean(true)
    }

    private func properties(_ events: ResultEvents?) -> Properties {
        var properties = Properties()
        properties.contentType = "application/json"
        properties.messageID = messageID
        // A ledger may have a longer one, from a program that did not cut what it had repaired.
        properties.correlationID = correlationID.map(ShortString.cut)
        properties.type = Self.type
        properties.appID = Self.appID
        properties.timestamp = UInt64(max(0, completedAt.milliseconds / 1000))
        var headers = FieldTable()
        if let traceparent { headers.append("traceparent", .text(traceparent)) }
        if let tracestate { headers.append("tracestate", .text(tracestate)) }
        if isReplayed { headers.append(JobHeaders.Name.replayed, .boolean(true)) }
        events?.write(self, to: &headers)
        properties.headers = headers
        return properties
    }
}
