import AMQP
import Jobs
import Photos
import PipelineDouble
import Testing
import Threads

@testable import Pipeline

/// What a job's messages come to where the broker's frames have no room for all that its publisher wrote.
@Suite struct FramePathTests {
    /// A broker whose frames are too small for what a publisher wrote into its headers, as far as they travel on.
    private static func refusingHeader(_ name: String) -> @Sendable (Publication) -> PublishOutcome {
        { publication in
            publication.properties.headers?[name] == nil
                ? .confirmed : .invalid("its header takes a frame of 4321 bytes, and the broker's frame_max is 4096")
        }
    }

    private static func application(_ properties: inout Properties, _ name: String) {
        properties.headers = FieldTable()
        properties.headers?.append("traceparent", .text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        properties.headers?.append(name, .text("key=something long"))
    }

    private func droppings(_ site: Site) -> [JobID?] {
        site.events.compactMap { if case .headersDropped(let id) = $0 { .some(id) } else { nil } }
    }

    /// So that a worker which waits for a confirm all the same can end.
    private func widen(_ site: Site) async {
        site.broker.answer(with: nil)
        await site.pass(.seconds(60))
    }

    private func holdings(_ site: Site) -> Int {
        site.events.count { if case .holdsChanged(let change) = $0 { !change.holds.isEmpty } else { false } }
    }

    @Test func aLetterThatFitsNoFrameGoesWithoutThePublishersHeadersAndHoldsNobody() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.broker.answer(with: Self.refusingHeader("app"))
            var properties = Properties()
            Self.application(&properties, "app")
            site.broker.put(Array("[]".utf8), into: "jobs", properties: properties)
            await site.advance(for: .seconds(2)) { site.broker.settlements.acks == 1 }
            #expect(site.results.map(\.outcome) == ["rejected"] && site.letters == ["malformed_job"])
            let headers = site.broker.messages("dead").first?.properties.headers
            #expect(headers?["x-leave-album-headers-dropped"] == .boolean(true))
            #expect(droppings(site) == [nil] && holdings(site) == 0)
            await widen(site)
        }
    }

    @Test func aCopyThatFitsNoFrameGoesWithoutThePublishersHeadersAndIsWorkedOn() async throws {
        let isAway = Lock(true)
        try await site { _ in
            isAway.withLock { $0 } ? .unavailable : .ok
        } _: { site in
            site.broker.answer(with: Self.refusingHeader("app"))
            site.submit("a") { Self.application(&$0, "app") }
            await site.advance(for: .seconds(60)) {
                site.events.contains { if case .parked = $0 { true } else { false } }
            }
            isAway.withLock { $0 = false }
            await site.advance(for: .seconds(600)) { site.resultCount == 1 }
            #expect(site.results.map(\.outcome) == ["left"])
            #expect(droppings(site) == [JobID("a")] && holdings(site) == 0)
            await widen(site)
        }
    }

    @Test func aResultThatFitsNoFrameGoesWithoutTheTrace() async throws {
        var options = Site.Options()
        options.replyToAllow = ["reply.*"]
        try await site(options) { _ in
            .ok
        } _: { site in
            site.broker.answer(with: Self.refusingHeader("tracestate"))
            site.submit("a") {
                Self.application(&$0, "tracestate")
                $0.correlationID = "the order"
                $0.replyTo = "reply.me"
            }
            await site.advance(for: .seconds(2)) { site.broker.waiting == 1 }
            #expect(site.results.map(\.outcome) == ["left"])
            #expect(site.broker.messages("results").map(\.properties.correlationID) == ["the order"])
            #expect(site.broker.settlements.acks == 1)
            #expect(site.events.contains { if case .replyCopy(delivered: true) = $0 { true } else { false } })
            #expect(droppings(site) == [JobID("a")] && holdings(site) == 0)
            await widen(site)
        }
    }

    /// Nothing is left to leave out: a person has to look, and meanwhile nobody is busy with it and no job is lost.
    @Test func aResultThatCannotBeSentAtAllHoldsTheWorkerAndIsTriedSeldom() async throws {
        let tries = Lock(0)
        try await site { _ in
            .ok
        } _: { site in
            site.broker.answer { publication in
                guard publication.exchange.hasSuffix(".results") else { return .confirmed }
                tries.withLock { $0 += 1 }
                return .invalid("it is too large")
            }
            site.submit("a")
            await site.pass(.seconds(3600))
            // Whoever looks for the queue finds it and lifts the hold, each time until the next try.
            #expect(holdings(site) > 0)
            #expect((100...200).contains(tries.withLock { $0 }), "every 30 s at last")
            #expect(site.broker.unacked == 1)
            site.broker.answer(with: nil)
            await site.advance { site.resultCount == 1 }
            #expect(site.pipeline.snapshot.holds.isEmpty && site.photos.calls.count == 1)
        }
    }
}
