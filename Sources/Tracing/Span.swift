/// A piece of work with its beginning, its end and what is known of it, in OpenTelemetry's terms.
/// https://opentelemetry.io/docs/specs/otel/trace/api/#span
package struct Span: Equatable, Sendable {
    package enum Kind: Sendable {
        case client
        case producer
        case consumer
    }

    package enum Status: Equatable, Sendable {
        case unset
        /// What went wrong, for people; without secrets.
        case error(String)
    }

    package struct Event: Equatable, Sendable {
        package var name: String
        package var at: UnixTime
        package var attributes: [SpanAttribute]

        package init(_ name: String, at: UnixTime, _ attributes: [SpanAttribute] = []) {
            self.name = name
            self.at = at
            self.attributes = attributes
        }
    }

    package var context: SpanContext
    /// Nil: the trace begins with it.
    package var parent: SpanContext?
    package var tracestate: String?
    package var name: String
    package var kind: Kind
    package var start: UnixTime
    package var end: UnixTime
    package var attributes: [SpanAttribute]
    package private(set) var events: [Event] = []
    package private(set) var droppedEvents = 0
    package var links: [SpanContext] = []
    package var status = Status.unset

    package init(
        _ context: SpanContext, parent: SpanContext?, tracestate: String? = nil, name: String, kind: Kind,
        start: UnixTime, attributes: [SpanAttribute] = [], links: [SpanContext] = []
    ) {
        self.context = context
        self.parent = parent
        self.tracestate = tracestate
        self.name = name
        self.kind = kind
        self.start = start
        end = start
        self.attributes = attributes
        self.links = links
    }

    /// OpenTelemetry's own limit for a span's events.
    package static let mostEvents = 128

    package mutating func add(_ event: Event) {
        if events.count < Self.mostEvents { events.append(event) } else { droppedEvents += 1 }
    }

    package mutating func add(_ name: String, _ value: SpanAttribute.Value?) {
        if let value { attributes.append(SpanAttribute(name, value)) }
    }

    /// Its work went wrong: in a word of a closed set, and in a sentence.
    package mutating func fail(_ type: String, _ message: String) {
        add("error.type", .string(type))
        status = .error(message)
    }
}

/// What is known of a span, by one name.
package struct SpanAttribute: Equatable, Sendable {
    package enum Value: Equatable, Sendable {
        case string(String)
        case integer(Int64)
        case boolean(Bool)
    }

    package var name: String
    package var value: Value

    package init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    package init(_ name: String, _ text: String) { self.init(name, .string(text)) }
    package init(_ name: String, _ number: Int) { self.init(name, .integer(Int64(number))) }
    package init(_ name: String, _ isSo: Bool) { self.init(name, .boolean(isSo)) }
}

/// Where spans go when they have ended. From any thread; it neither waits nor fails.
package protocol SpanSink: Sendable {
    func take(_ spans: [Span])
    /// So many spans were to go there, and there was no place to keep them until then.
    func drop(_ count: Int)
}
