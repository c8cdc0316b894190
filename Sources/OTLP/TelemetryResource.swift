package import Tracing

/// Who the spans are of. https://opentelemetry.io/docs/specs/semconv/resource/
package struct TelemetryResource: Equatable, Sendable {
    package var attributes: [SpanAttribute]
    /// Of the program, and with it of the code that makes the spans.
    package var version: String

    package init(attributes: [SpanAttribute], version: String) {
        self.attributes = attributes
        self.version = version
    }
}
