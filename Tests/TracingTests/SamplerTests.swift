import Testing

@testable import Tracing

@Suite struct SamplerTests {
    private static func trace(_ low: UInt64) -> TraceID { TraceID(high: .max, low: low) }
    private static func parent(isSampled: Bool) -> SpanContext {
        SpanContext(traceID: trace(1), spanID: SpanID(bits: 1), isSampled: isSampled, isRemote: true)
    }

    @Test func whoeverBeganTheTraceHasDecided() {
        for root in [Sampler.Root.always, .never, .ratio(0.5)] {
            let sampler = Sampler(root, isParentBased: true)
            #expect(sampler.samples(Self.trace(1), parent: Self.parent(isSampled: true)))
            #expect(!sampler.samples(Self.trace(.max), parent: Self.parent(isSampled: false)))
        }
    }

    @Test func withoutThatTheFlagIsIgnored() {
        #expect(Sampler(.always, isParentBased: false).samples(Self.trace(1), parent: Self.parent(isSampled: false)))
        #expect(!Sampler(.never, isParentBased: false).samples(Self.trace(1), parent: Self.parent(isSampled: true)))
    }

    @Test func tracesThatBeginHereAreTheRoots() {
        #expect(Sampler(.always, isParentBased: true).samples(Self.trace(1), parent: nil))
        #expect(!Sampler(.never, isParentBased: true).samples(Self.trace(1), parent: nil))
    }

    /// The specification's threshold: of the lowest 56 bits those from it on are sampled, whatever the byte before is.
    @Test func theShareIsTakenByTheLowestSevenBytes() {
        let half = Sampler(.ratio(0.5), isParentBased: false)
        #expect(half.samples(Self.trace(0x00_80_0000_0000_0000), parent: nil))
        #expect(!half.samples(Self.trace(0xFF_7F_FFFF_FFFF_FFFF), parent: nil))
        let hundredth = Sampler(.ratio(0.01), isParentBased: false)
        // 2^56 × 0.99 is 0xfd70a3d70a3d70 and a fraction.
        #expect(hundredth.samples(Self.trace(0x00_FD_70A3_D70A_3D71), parent: nil))
        #expect(!hundredth.samples(Self.trace(0x00_FD_70A3_D70A_3000), parent: nil))
    }

    @Test func allAndNoneHaveNoExceptions() {
        for low in [UInt64(0), 1, 0x00FF_FFFF_FFFF_FFFF, .max] {
            #expect(Sampler(.ratio(1), isParentBased: false).samples(Self.trace(low), parent: nil))
            #expect(!Sampler(.ratio(0), isParentBased: false).samples(Self.trace(low), parent: nil))
        }
    }

    @Test func ofRandomTracesAboutTheShareIsSampled() {
        let sampler = Sampler(.ratio(0.25), isParentBased: false)
        let count = (0..<20_000).count { _ in sampler.samples(.random(), parent: nil) }
        // Sixteen standard deviations to each side.
        #expect((4_000...6_000).contains(count))
    }

    @Test func placesAreGivenUpToTheirNumber() {
        let places = SpanPlaces(2)
        #expect([places.take(), places.take(), places.take()] == [true, true, false])
        places.giveBack(1)
        #expect([places.take(), places.take()] == [true, false])
        #expect(places.count == 2)
    }

    @Test func aSpanHasABoundedNumberOfEvents() {
        var span = Span(.root(isSampled: true), parent: nil, name: "s", kind: .client, start: UnixTime(nanoseconds: 1))
        for number in 0..<130 { span.add(Span.Event("e\(number)", at: UnixTime(nanoseconds: 2))) }
        #expect(span.events.count == 128 && span.droppedEvents == 2)
    }
}
