import JSON
package import Tracing

/// The body of one export: `ExportTraceServiceRequest` as JSON. Identifiers are hexadecimal there, enums numbers, and
/// integers of 64 bits strings. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
package struct TraceRequest: Sendable {
    package let body: [UInt8]

    /// The semantic conventions that all names of spans and attributes are of.
    package static let schema = "https://opentelemetry.io/schemas/1.40.0"
    /// What a span of a job comes to, about.
    private static let spanBytes = 1_024

    package init(_ spans: [Span], of resource: TelemetryResource) {
        var json = JSONText(capacity: Self.spanBytes * spans.count)
        json.begin(.object)
        json.name("resourceSpans")
        json.begin(.array)
        json.begin(.object)
        json.name("resource")
        json.begin(.object)
        json.add(resource.attributes)
        json.end(.object)
        json.name("scopeSpans")
        json.begin(.array)
        json.begin(.object)
        json.name("scope")
        json.begin(.object)
        json.add("name", "leave-albumd")
        json.add("version", resource.version)
        json.end(.object)
        json.name("spans")
        json.begin(.array)
        for span in spans { json.add(span) }
        json.end(.array)
        json.add("schemaUrl", Self.schema)
        json.end(.object)
        json.end(.array)
        json.add("schemaUrl", Self.schema)
        json.end(.object)
        json.end(.array)
        json.end(.object)
        body = json.bytes
    }
}

extension JSONText {
    fileprivate mutating func add(_ name: StaticString, _ text: String) {
        self.name(name)
        string(text)
    }

    fileprivate mutating func add(_ name: StaticString, _ number: Int64) {
        self.name(name)
        integer(number)
    }

    fileprivate mutating func add(_ span: Span) {
        begin(.object)
        add(span.context)
        if let tracestate = span.tracestate { add("traceState", tracestate) }
        if let parent = span.parent { add("parentSpanId", parent.spanID.hexadecimal) }
        add("flags", Int64(span.context.flags | Self.origin(span.parent)))
        add("name", span.name)
        add("kind", span.kind.number)
        add("startTimeUnixNano", String(span.start.nanoseconds))
        add("endTimeUnixNano", String(span.end.nanoseconds))
        add(span.attributes)
        if !span.events.isEmpty {
            name("events")
            begin(.array)
            for event in span.events {
                begin(.object)
                add("timeUnixNano", String(event.at.nanoseconds))
                add("name", event.name)
                add(event.attributes)
                end(.object)
            }
            end(.array)
        }
        if span.droppedEvents > 0 { add("droppedEventsCount", Int64(span.droppedEvents)) }
        if !span.links.isEmpty {
            name("links")
            begin(.array)
            for link in span.links {
                begin(.object)
                add(link)
                add("flags", Int64(link.flags | Self.origin(link)))
                end(.object)
            }
            end(.array)
        }
        add(span.status)
        end(.object)
    }

    private mutating func add(_ context: SpanContext) {
        add("traceId", context.traceID.hexadecimal)
        add("spanId", context.spanID.hexadecimal)
    }

    /// Above the flags of W3C: that it is known whether a context came from elsewhere, and whether it did.
    private static func origin(_ context: SpanContext?) -> UInt64 {
        context?.isRemote == true ? 0x300 : 0x100
    }

    private mutating func add(_ status: Span.Status) {
        switch status {
        case .unset: break
        case .error(let message):
            name("status")
            begin(.object)
            add("code", 2)
            if !message.isEmpty { add("message", message) }
            end(.object)
        }
    }

    fileprivate mutating func add(_ attributes: [SpanAttribute]) {
        guard !attributes.isEmpty else { return }
        name("attributes")
        begin(.array)
        for attribute in attributes {
            begin(.object)
            add("key", attribute.name)
            name("value")
            begin(.object)
            switch attribute.value {
            case .string(let text): add("stringValue", text)
            case .integer(let number): add("intValue", String(number))
            case .boolean(let isSo):
                name("boolValue")
                word(isSo ? "true" : "false")
            }
            end(.object)
            end(.object)
        }
        end(.array)
    }
}

extension Span.Kind {
    /// Of `opentelemetry.proto.trace.v1.Span.SpanKind`.
    fileprivate var number: Int64 {
        switch self {
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }
}
