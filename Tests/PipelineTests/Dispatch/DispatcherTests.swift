import AMQP
import Clocks
import Concurrency
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// What a worker gives back while the dispatcher closes.
@Suite struct DispatcherTests {
    private let clock: ManualClock
    private let broker: MiniBroker
    private let dispatcher: Dispatcher

    init() {
        let activity = Activity()
        clock = ManualClock(start: Harness.start, activity: activity)
        broker = MiniBroker(clock: clock, activity: activity, prefetch: 64)
        dispatcher = Dispatcher(
            limits: .init(perAccount: 1, requestsPerMinutePerAccount: 0), concurrency: 4, inbox: broker, clock: clock
        ) { _, _ in }
    }

    private func item(deliveries: Int64, suspect: Int) -> InFlightMessage {
        var headers = FieldTable()
        headers.append("x-delivery-count", .integer(deliveries))
        headers.append("x-leave-album-suspect", .integer(Int64(suspect)))
        var properties = Properties()
        properties.headers = headers
        let message = IncomingMessage(
            tag: DeliveryTag(generation: 1, number: 1), queue: "p.due", exchange: "", routingKey: "",
            isRedelivered: deliveries > 0, properties: properties,
            body: .complete(Array(#"{"jobId":"j","account":"a","shareToken":"t"}"#.utf8)), receivedAt: clock.now())
        return Intake(prefix: MiniBroker.prefix).take(message).item
    }

    /// One return more is nothing to the first two and one too many for the others.
    @Test(arguments: [(4, 0, false), (0, 1, false), (5, 0, true), (1, 1, true)] as [(Int64, Int, Bool)])
    func whatIsPutBackAfterTheCloseGoesBackByCopyIfItHasComeBackOften(
        deliveries: Int64, suspect: Int, isHandedBack: Bool
    ) async throws {
        dispatcher.accept(item(deliveries: deliveries, suspect: suspect))
        let turn = try #require(await dispatcher.next())
        #expect(turn.action == .work)
        let delivery = dispatcher.makeDelivery(of: turn)
        dispatcher.close()
        dispatcher.delay(delivery, as: turn.item, until: clock.now() + .seconds(60))
        let next = await dispatcher.next()
        #expect(next?.action == (isHandedBack ? .release : nil))
        #expect(next?.item.message.tag == (isHandedBack ? turn.item.message.tag : nil))
        if let next { dispatcher.makeDelivery(of: next).ack() }
        #expect(await dispatcher.next()?.action == nil, "once")
        // What is left is the link's to return.
        #expect(dispatcher.load.inFlight == (isHandedBack ? 0 : 1))
    }

    @Test func whatIsPutBackBeforeTheCloseHasAnotherTry() async throws {
        dispatcher.accept(item(deliveries: 5, suspect: 0))
        let turn = try #require(await dispatcher.next())
        dispatcher.delay(dispatcher.makeDelivery(of: turn), as: turn.item, until: clock.now())
        let next = try #require(await dispatcher.next())
        #expect(next.action == .work)
        dispatcher.makeDelivery(of: next).ack()
    }

    /// The same from end to end: the broker counts from the beginning, so that no number of stops makes the job a
    /// suspect.
    @Test(arguments: [(4, false), (5, true)] as [(Int64, Bool)])
    func aJobWhoseCallFailsDuringAStopComesBackWithACountOfItsOwn(deliveries: Int64, isCopied: Bool) async throws {
        let pipeline = Lock<JobPipeline?>(nil)
        let harness = try await Harness { _ in
            pipeline.withLock { $0 }?.stop()
            return .unavailable
        }
        pipeline.withLock { $0 = harness.pipeline }
        harness.begin()
        var headers = FieldTable()
        headers.append("x-delivery-count", .integer(deliveries))
        harness.submit("a") { $0.headers = headers }
        await harness.advance { harness.photos.calls.count == 1 && harness.pipeline.snapshot.callsInFlight == 0 }
        await harness.end()
        pipeline.withLock { $0 = nil }
        let copies = harness.broker.messages("due")
        #expect(copies.count == (isCopied ? 1 : 0))
        // It may have been delivered once more before the connection ended.
        #expect(copies.allSatisfy { $0.deliveries <= 1 && $0.properties.headers?["x-delivery-count"] == nil })
        #expect(harness.broker.messages("jobs").map(\.deliveries) == (isCopied ? [] : [1]))
        #expect(harness.broker.settlements == (acks: isCopied ? 1 : 0, nacks: 0, abandoned: 0))
        #expect(harness.photos.calls.count == 1)
    }
}
