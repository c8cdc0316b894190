import AMQP
import Clocks
import Ledger
import Messages
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// A job that kills whoever works on it, where workers share the ledger: each of its deliveries but the fatal ones finds
/// a dead worker's lease, and steps aside as a copy that the broker counts anew.
@Suite struct LeaseDeliveriesTests {
    /// As the broker gives a copy out that it has given out so often before.
    private func message(_ headers: FieldTable?, deliveries: Int64, on lane: Lane = .due) -> IncomingMessage {
        var properties = Properties()
        var all = headers ?? FieldTable()
        // The lease is over by then.
        all.fields.removeAll { $0.name == Array("x-leave-album-not-before".utf8) }
        if deliveries > 0 { all.append("x-delivery-count", .integer(deliveries)) }
        properties.headers = all
        return IncomingMessage(
            tag: DeliveryTag(generation: 1, number: 1), queue: QueueNames(prefix: "p").queue(lane), exchange: "",
            routingKey: "", isRedelivered: deliveries > 0, properties: properties,
            body: .complete(Array(#"{"jobId":"j","account":"ann","shareToken":"t"}"#.utf8)),
            receivedAt: MonotonicTime(nanoseconds: 0))
    }

    /// The headers of the copy that a worker publishes which finds `lookup`.
    private func copy(_ message: IncomingMessage, finding lookup: LookupResult) async throws -> FieldTable {
        let harness = try WorkerHarness()
        harness.ledger.lookup = lookup
        await harness.process(message)
        #expect(harness.photos.calls.isEmpty && harness.ledger.claims.isEmpty)
        return try #require(harness.broker.published.first?.properties.headers)
    }

    private let leased = LookupResult.leased(until: WorkerHarness.start + .seconds(20))

    @Test func aJobThatKillsEachWorkerInTheCallIsPoisonAfterAsManyDeathsAsWhereOneWorksAlone() async throws {
        var deaths = 0
        var headers: FieldTable?
        for suspect in 0..<3 {
            for _ in 0..<(suspect == 0 ? 10 : 2) {
                // Whoever has claimed dies in the call, and the broker gives the copy out again.
                deaths += 1
                headers = try await copy(
                    message(headers, deliveries: 1, on: headers == nil ? .jobs : .due), finding: leased)
            }
            #expect(JobHeaders(reading: headers).suspect == suspect + 1, "after \(deaths) deaths")
        }
        #expect(deaths == 14)
        // When the last lease is over.
        let last = try WorkerHarness()
        last.ledger.lookup = .resumed(WorkerHarness.open(isAmbiguous: true))
        await last.process(message(headers, deliveries: 0))
        let result = try #require(last.broker.published.first { $0.exchange == "p.results" })
        let ended = try JobResult.decode(result.body)
        #expect(ended.reason == .poison && ended.effect == .unknown)
        #expect(last.photos.calls.isEmpty && last.photos.albumQueries.isEmpty)
    }

    @Test func waitingForALeaseCountsNothing() async throws {
        var headers = try await copy(message(nil, deliveries: 3, on: .jobs), finding: leased)
        for _ in 0..<20 { headers = try await copy(message(headers, deliveries: 0), finding: leased) }
        #expect(JobHeaders(reading: headers).deliveries == 3 && JobHeaders(reading: headers).suspect == 0)
    }

    @Test func whoHasLivedThroughACallBeginsTheCountAnew() async throws {
        let headers = try await copy(message(nil, deliveries: 9, on: .jobs), finding: leased)
        #expect(Intake(prefix: "p").take(message(headers, deliveries: 1)).item.deliveries == 10)
        // Refused for a reason that may be everybody's, it is parked until others have called.
        let harness = try WorkerHarness { _ in .error(403, "PERMISSION_DENIED", "The caller does not have permission") }
        harness.ledger.lookup = .resumed(WorkerHarness.open())
        await harness.process(message(headers, deliveries: 0))
        #expect(harness.photos.calls.count == 1)
        let parked = try #require(harness.broker.published.first?.properties.headers)
        #expect(JobHeaders(reading: parked).refusals == 1 && JobHeaders(reading: parked).deliveries == 0)
    }

    @Test func aCopyThatIsSentToTheLaneOfThePublishersSaysNothingThere() {
        var headers = FieldTable()
        headers.append("x-leave-album-deliveries", .integer(10))
        let item = Intake(prefix: "p").take(message(headers, deliveries: 0, on: .jobs)).item
        #expect(item.deliveries == 0 && item.job != nil)
    }
}
