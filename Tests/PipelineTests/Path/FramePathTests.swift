import AMQP
import Clocks
import Concurrency
import Photos
import Pipeline
import PipelineHarness
import Testing

@testable import Jobs
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

    private func droppings(_ harness: Harness) -> [JobID?] {
        harness.events.compactMap { if case .headersDropped(let id) = $0 { .some(id) } else { nil } }
    }

    /// So that a worker which waits for a confirm all the same can end.
    private func widen(_ harness: Harness) async {
        harness.broker.answer(with: nil)
        await harness.pass(.seconds(60))
    }

    private func holdings(_ harness: Harness) -> Int {
        harness.events.count { if case .holdsChanged(let change) = $0 { !change.holds.isEmpty } else { false } }
    }

    @Test func aDeadLetterThatFitsNoFrameGoesWithoutThePublishersHeadersAndHoldsNobody() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.broker.answer(with: Self.refusingHeader("app"))
            var properties = Properties()
            Self.application(&properties, "app")
            harness.broker.put(Array("[]".utf8), into: "jobs", properties: properties)
            await harness.advance(for: .seconds(2)) { harness.broker.settlements.acks == 1 }
            #expect(harness.results.map(\.outcome) == ["rejected"] && harness.deadLetters == ["malformed_job"])
            let headers = harness.broker.messages("dead").first?.properties.headers
            #expect(headers?["x-leave-album-headers-dropped"] == .boolean(true))
            #expect(droppings(harness) == [nil] && holdings(harness) == 0)
            await widen(harness)
        }
    }

    @Test func aCopyThatFitsNoFrameGoesWithoutThePublishersHeadersAndIsWorkedOn() async throws {
        let isAway = Lock(true)
        try await harness { _ in
            isAway.withLock { $0 } ? .unavailable : .ok
        } _: { harness in
            harness.broker.answer(with: Self.refusingHeader("app"))
            harness.submit("a") { Self.application(&$0, "app") }
            await harness.advance(for: .seconds(60)) {
                harness.events.contains { if case .parked = $0 { true } else { false } }
            }
            isAway.withLock { $0 = false }
            await harness.advance(for: .seconds(600)) { harness.resultCount == 1 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(droppings(harness) == [JobID("a")] && holdings(harness) == 0)
            await widen(harness)
        }
    }

    @Test func aResultThatFitsNoFrameGoesWithoutTheTrace() async throws {
        var options = Harness.Options()
        options.replyToAllow = ["reply.*"]
        try await harness(options) { _ in
            .ok
        } _: { harness in
            harness.broker.answer(with: Self.refusingHeader("tracestate"))
            harness.submit("a") {
                Self.application(&$0, "tracestate")
                $0.correlationID = "the order"
                $0.replyTo = "reply.me"
            }
            await harness.advance(for: .seconds(2)) { harness.broker.waiting == 1 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(harness.broker.messages("results").map(\.properties.correlationID) == ["the order"])
            #expect(harness.broker.settlements.acks == 1)
            #expect(harness.events.contains { if case .replyCopy(delivered: true) = $0 { true } else { false } })
            #expect(droppings(harness) == [JobID("a")] && holdings(harness) == 0)
            await widen(harness)
        }
    }

    /// Nothing is left to leave out: a person has to look, and meanwhile nobody is busy with it and no job is lost.
    @Test func aResultThatCannotBeSentAtAllHoldsTheWorkerAndIsTriedSeldom() async throws {
        let tries = Lock(0)
        try await harness { _ in
            .ok
        } _: { harness in
            harness.broker.answer { publication in
                guard publication.exchange.hasSuffix(".results") else { return .confirmed }
                tries.withLock { $0 += 1 }
                return .invalid("it is too large")
            }
            harness.submit("a")
            await harness.pass(.seconds(3600))
            // Whoever looks for the queue finds it and lifts the hold, each time until the next try.
            #expect(holdings(harness) > 0)
            #expect((100...200).contains(tries.withLock { $0 }), "every 30 s at last")
            #expect(harness.broker.unacked == 1)
            harness.broker.answer(with: nil)
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.pipeline.snapshot.holds.isEmpty && harness.photos.calls.count == 1)
        }
    }
}
