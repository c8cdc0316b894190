import AMQP
import Clocks
import Ledger
import Messages
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// What the broker gave up ends without a call, however often it steps aside first: a copy has no x-death to tell by.
@Suite struct GivenUpTests {
    private func message(on lane: Lane, _ headers: FieldTable) -> IncomingMessage {
        var properties = Properties()
        properties.headers = headers
        return IncomingMessage(
            tag: DeliveryTag(generation: 1, number: 1), queue: QueueNames(prefix: "p").queue(lane), exchange: "",
            routingKey: "", isRedelivered: false, properties: properties,
            body: .complete(Array(#"{"jobId":"j","account":"ann","shareToken":"t"}"#.utf8)),
            receivedAt: MonotonicTime(nanoseconds: 0))
    }

    private func death(_ reason: String) -> FieldTable {
        var latest = FieldTable()
        latest.append("reason", .text(reason))
        var headers = FieldTable()
        headers.append("x-death", .array([.table(latest)]))
        return headers
    }

    private func reason(_ harness: WorkerHarness) throws -> Reason? {
        let result = try #require(harness.broker.published.first { $0.exchange == "p.results" })
        return try JobResult.decode(result.body).reason
    }

    @Test(arguments: [("expired", Reason.expired), ("delivery_limit", .poison), ("rejected", .poison)])
    func theNewestDeathIsTheReason(_ word: String, _ expected: Reason) async throws {
        let harness = try WorkerHarness()
        await harness.process(message(on: .broken, death(word)))
        #expect(try reason(harness) == expected)
        #expect(harness.photos.calls.isEmpty)
    }

    @Test func aCopyThatSteppedAsideStillSaysWhy() async throws {
        let first = try WorkerHarness()
        first.ledger.lookup = .leased(until: WorkerHarness.start + .seconds(20))
        await first.process(message(on: .broken, death("expired")))
        let copy = try #require(first.broker.published.first)
        #expect(copy.properties.headers?["x-death"] == nil)
        #expect(copy.properties.headers?["x-leave-album-given-up"] == .text("expired"))
        // By way of a retry queue it comes on the lane of ordinary copies, and by a hand-back on its own.
        for lane: Lane in [.due, .broken] {
            var headers = try #require(copy.properties.headers)
            headers.fields.removeAll { $0.name == Array("x-leave-album-not-before".utf8) }
            let second = try WorkerHarness()
            await second.process(message(on: lane, headers))
            #expect(try reason(second) == .expired)
            #expect(second.photos.calls.isEmpty)
            let letter = try #require(second.broker.published.first { $0.exchange != "p.results" })
            #expect(letter.properties.headers?["x-leave-album-given-up"] == nil, "a redrive of it is to be called")
        }
    }

    @Test func aPublisherCannotSayIt() async throws {
        var headers = FieldTable()
        headers.append("x-leave-album-given-up", .text("expired"))
        let harness = try WorkerHarness()
        await harness.process(message(on: .jobs, headers))
        #expect(try reason(harness) == nil)
        #expect(harness.photos.calls.count == 1)
    }
}
