import Testing

@testable import Tracing

@Suite struct SpanContextTests {
    private static let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func aTraceparentIsReadAndWritten() throws {
        let context = try #require(SpanContext(traceparent: Self.text))
        #expect(context.traceID == TraceID(high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c))
        #expect(context.spanID == SpanID(bits: 0xb7ad_6b71_6920_3331))
        #expect(context.isSampled && !context.isRandom && context.isRemote)
        #expect(context.traceparent == Self.text)
    }

    @Test func laterVersionsAreReadByWhatThisOneHas() throws {
        let context = try #require(SpanContext(traceparent: "cc" + Self.text.dropFirst(2) + "-what-comes-then"))
        #expect(context.traceparent == Self.text)
    }

    @Test(arguments: [
        "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
    ])
    func whatIsNoneIsRefused(text: String) {
        #expect(SpanContext(traceparent: text) == nil)
    }

    @Test func childrenKeepTheTraceAndItsFlags() throws {
        let parent = try #require(SpanContext(traceparent: String(Self.text.dropLast(2)) + "03"))
        let child = parent.child()
        #expect(child.traceID == parent.traceID && child.spanID != parent.spanID && !child.isRemote)
        #expect(child.traceparent.hasSuffix("-03"))
        var unsampled = parent
        unsampled.isSampled = false
        #expect(unsampled.child().traceparent.hasSuffix("-02"))
    }

    @Test func identifiersHaveAllTheirDigits() {
        #expect(TraceID(high: 1, low: .max).hexadecimal == "0000000000000001ffffffffffffffff")
        #expect(SpanID(bits: 0x0123_4567_89ab_cdef).hexadecimal == "0123456789abcdef")
        #expect(SpanContext(traceparent: SpanContext.root(isSampled: true).traceparent)?.isSampled == true)
    }
}
