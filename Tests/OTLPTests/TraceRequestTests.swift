import JSON
import Testing
import Tracing

@testable import OTLP

/// What a collector gets, byte by byte.
@Suite struct TraceRequestTests {
    static let resource = TelemetryResource(attributes: [SpanAttribute("service.name", "w")], version: "1.2.3")

    static func span(
        _ number: UInt64 = 1, parent: SpanContext? = nil, name: String = "process q", kind: Span.Kind = .consumer,
        attributes: [SpanAttribute] = []
    ) -> Span {
        Span(
            SpanContext(traceID: TraceID(high: 0, low: 0xab), spanID: SpanID(bits: number), isSampled: true),
            parent: parent, name: name, kind: kind, start: UnixTime(nanoseconds: 1_795_435_200_000_000_001),
            attributes: attributes)
    }

    private func text(_ spans: Span...) -> String {
        let whole = String(decoding: TraceRequest(spans, of: Self.resource).body, as: UTF8.self)
        let list = whole.firstRange(of: #""spans":["#).map { whole[$0.upperBound...] } ?? ""
        return String(list.firstRange(of: #"],"schemaUrl""#).map { list[..<$0.lowerBound] } ?? "")
    }

    @Test func theSmallestSpanIsWhole() {
        let body = TraceRequest([Self.span()], of: Self.resource).body
        #expect(
            String(decoding: body, as: UTF8.self) == """
                {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"w"}}]},\
                "scopeSpans":[{"scope":{"name":"leave-albumd","version":"1.2.3"},"spans":[\
                {"traceId":"000000000000000000000000000000ab","spanId":"0000000000000001","flags":257,\
                "name":"process q","kind":5,"startTimeUnixNano":"1795435200000000001",\
                "endTimeUnixNano":"1795435200000000001"}],\
                "schemaUrl":"https://opentelemetry.io/schemas/1.40.0"}],\
                "schemaUrl":"https://opentelemetry.io/schemas/1.40.0"}]}
                """)
    }

    @Test func aSpanWithEverythingHasItAll() throws {
        let parent = try #require(
            SpanContext(traceparent: "00-000000000000000000000000000000ab-00000000000000ff-01"))
        var span = Self.span(
            2, parent: parent, kind: .client,
            attributes: [
                SpanAttribute("text", "a\"b\\c\u{1}ü"), SpanAttribute("number", -7), SpanAttribute("flag", true),
            ])
        span.tracestate = "v=1"
        span.end = UnixTime(nanoseconds: 1_795_435_200_000_000_009)
        span.add(Span.Event("claimed", at: UnixTime(nanoseconds: 5), [SpanAttribute("n", 1)]))
        span.links = [parent]
        span.fail("503", "it is away")
        #expect(
            text(span) == """
                {"traceId":"000000000000000000000000000000ab","spanId":"0000000000000002","traceState":"v=1",\
                "parentSpanId":"00000000000000ff","flags":769,"name":"process q","kind":3,\
                "startTimeUnixNano":"1795435200000000001","endTimeUnixNano":"1795435200000000009","attributes":[\
                {"key":"text","value":{"stringValue":"a\\"b\\\\c\\u0001ü"}},\
                {"key":"number","value":{"intValue":"-7"}},{"key":"flag","value":{"boolValue":true}},\
                {"key":"error.type","value":{"stringValue":"503"}}],\
                "events":[{"timeUnixNano":"5","name":"claimed","attributes":[{"key":"n","value":{"intValue":"1"}}]}],\
                "links":[{"traceId":"000000000000000000000000000000ab","spanId":"00000000000000ff","flags":769}],\
                "status":{"code":2,"message":"it is away"}}
                """)
    }

    @Test func eventsThatHadNoPlaceAreCounted() {
        var span = Self.span()
        for _ in 0..<129 { span.add(Span.Event("e", at: UnixTime(nanoseconds: 1))) }
        #expect(text(span).contains(#""droppedEventsCount":1"#))
    }

    @Test func aProducerOfUnsampledTracesSaysSo() {
        var span = Self.span(kind: .producer)
        span.context.isSampled = false
        #expect(text(span).contains(#""flags":256,"name":"process q","kind":4,"#))
    }

    @Test func everyBodyIsJSON() throws {
        let json = try JSONValue.parse(TraceRequest([Self.span(1), Self.span(2)], of: Self.resource).body)
        let spans = json["resourceSpans"]?.elements?.first?["scopeSpans"]?.elements?.first?["spans"]?.elements
        #expect(spans?.count == 2)
    }
}
