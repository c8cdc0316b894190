package import AMQP
import Clocks
import Concurrency
package import Jobs

/// The message that says how far a job is, for whoever binds a queue of their own to `progress.#`. It is offered, and not
/// published: the broker may never get it, and no queue has to be there for it.
extension JobProgress {
    /// Its type as an event too: `results.type` is what results are known by, and this is none.
    static let type = "leave-album.progress.v1"

    /// `events`: as a CloudEvent, where results are.
    package func publication(under names: QueueNames, as events: ResultEvents? = nil) -> Publication {
        Publication(
            exchange: names.resultsExchange, routingKey: RoutingKey.progress(state), isMandatory: false,
            properties: properties(events), body: encoded())
    }

    private func properties(_ events: ResultEvents?) -> Properties {
        var properties = Properties()
        properties.contentType = "application/json"
        properties.messageID = messageID
        properties.correlationID = ShortString.cut(trace.correlationID ?? jobID.string)
        properties.type = Self.type
        properties.appID = ResultMessage.appID
        properties.timestamp = UInt64(max(0, at.milliseconds / 1000))
        var headers = FieldTable()
        if let traceparent = trace.traceparent { headers.append("traceparent", .text(traceparent)) }
        if let tracestate = trace.tracestate { headers.append("tracestate", .text(tracestate)) }
        events?.write(self, to: &headers)
        properties.headers = headers
        return properties
    }
}
