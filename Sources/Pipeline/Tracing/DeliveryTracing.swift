package import Clocks
import Jobs
import Messages
package import Tracing

/// What spans of deliveries need: where they go, and what they say of the API. The pipeline has none where nobody
/// wants spans, and then makes none.
package struct DeliveryTracing: Sendable {
    /// Where the API is, as spans of calls say it.
    package struct API: Equatable, Sendable {
        /// Scheme, host and perhaps port and path, without a slash at the end.
        package var baseURL: String
        package var host: String
        package var port: Int

        package init(baseURL: String, host: String, port: Int) {
            self.baseURL = baseURL
            self.host = host
            self.port = port
        }
    }

    let sink: any SpanSink
    let api: API
    let clock: any TimeSource
    /// For the spans of deliveries that are not sampled, of all of them together.
    let places: SpanPlaces

    package init(sink: any SpanSink, api: API, clock: any TimeSource, places: SpanPlaces = SpanPlaces()) {
        self.sink = sink
        self.api = api
        self.clock = clock
        self.places = places
    }

    /// The span of a message that came, and of all that is done with it.
    func begin(_ item: InFlightMessage, _ configuration: PipelineConfiguration) -> DeliveryTrace {
        DeliveryTrace(item, self, configuration)
    }

    /// The span of a result that is sent without a delivery. It was to be sent before, and then in a span whose context it
    /// carries: by a worker that died, or whose link was stopped.
    func makeSpan(after traceparent: String?) -> OpenSpan? {
        guard let before = traceparent.flatMap({ SpanContext(traceparent: $0) }) else { return nil }
        let record: (@Sendable (Span) -> Void)? = before.isSampled ? { @Sendable span in sink.take([span]) } : nil
        return OpenSpan(before.child(), parent: before, times: SpanTimes(clock), record: record)
    }
}
