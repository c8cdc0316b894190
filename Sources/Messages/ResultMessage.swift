public import AMQP
public import Jobs
public import Threads

/// The message that carries a result, now and at every replay.
public struct ResultMessage: Equatable, Sendable {
    static let appID = "leave-albumd"
    static let type = "leave-album.result.v1"

    /// `<jobId>#<generation>`, or what a rejected message has in its place; see `JobResult.messageID`.
    public var messageID: String
    public var correlationID: String?
    public var traceparent: String?
    public var tracestate: String?
    public var outcome: Outcome
    public var completedAt: Timestamp
    /// As it was encoded once.
    public var body: [UInt8]
    /// The broker has had it before, and consumers that deduplicate pass over it.
    public var isReplayed: Bool

    public init(
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

    public func publication(under names: QueueNames) -> Publication {
        Publication(
            exchange: names.resultsExchange, routingKey: RoutingKey.result(outcome), properties: properties, body: body)
    }

    /// Whether a result that came from the results exchange is a replay.
    public static func isReplayed(_ properties: Properties) -> Bool {
        properties.headers?[JobHeaders.Name.replayed] == .boolean(true)
    }

    private var properties: Properties {
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
        properties.headers = headers
        return properties
    }
}
