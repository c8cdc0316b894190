public import AMQP
import Jobs
public import Ledger
import Threads

/// A stored result as the message that carries it.
public enum ResultMessage {
    static let appID = "leave-albumd"
    static let type = "leave-album.result.v1"
    static let replayedHeader = "x-leave-album-replayed"

    /// `isReplayed`: the broker has had it before, and consumers who deduplicate pass over it.
    public static func publication(of result: StoredResult, prefix: String, isReplayed: Bool) -> Publication {
        Publication(
            exchange: "\(prefix).results", routingKey: "leave.\(result.outcome.rawValue)",
            properties: properties(of: result, isReplayed: isReplayed), body: result.body)
    }

    private static func properties(of result: StoredResult, isReplayed: Bool) -> Properties {
        var properties = Properties()
        properties.contentType = "application/json"
        properties.messageID = result.messageID
        // A ledger may have a longer one, from a program that did not cut what it had repaired.
        properties.correlationID = result.correlationID.map(ShortString.cut)
        properties.type = type
        properties.appID = appID
        properties.timestamp = UInt64(max(0, result.completedAt.milliseconds / 1000))
        var headers = FieldTable()
        if let traceparent = result.traceparent { headers.append("traceparent", .text(traceparent)) }
        if let tracestate = result.tracestate { headers.append("tracestate", .text(tracestate)) }
        if isReplayed { headers.append(replayedHeader, .boolean(true)) }
        properties.headers = headers
        return properties
    }
}
