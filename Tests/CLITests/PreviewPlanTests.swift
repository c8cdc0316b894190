import AMQP
import Clocks
import JSON
import Jobs
import Messages
import Operations
import Pipeline
import Settings
import Testing

@testable import CLI

/// What is said of a message that waits: in the order in which a worker decides.
@Suite struct PreviewPlanTests {
    private static let now = Timestamp(milliseconds: 1_795_435_200_000)
    private static let passed = #","deadline":"2026-11-23T11:00:00Z""#

    private func message(
        _ body: String = #"{"jobId":"j","account":"ann","shareToken":"t""#, more: String = "}", lane: Lane = .due,
        deliveries: Int64 = 0, _ adjust: (inout JobHeaders) -> Void = { _ in }
    ) -> MessagePreview {
        var own = JobHeaders()
        adjust(&own)
        var headers = FieldTable()
        own.write(to: &headers)
        if deliveries > 0 { headers.append("x-delivery-count", .integer(deliveries)) }
        var properties = Properties()
        properties.headers = headers
        return MessagePreview(
            IncomingMessage(
                tag: DeliveryTag(generation: 1, number: 1), queue: QueueNames(prefix: "p").queue(lane), exchange: "",
                routingKey: "", isRedelivered: deliveries > 0, properties: properties,
                body: .complete(Array((body + more).utf8)), receivedAt: MonotonicTime(nanoseconds: 0)),
            prefix: "p", eventTypes: [])
    }

    private func plan(
        _ message: MessagePreview, _ known: KnownJob? = KnownJob(.open), holds: [String] = []
    ) -> PreviewPlan {
        PreviewPlan(message, known, holds: holds, DaemonSettings().retry, at: Self.now)
    }

    private func word(_ message: MessagePreview, _ known: KnownJob? = KnownJob(.open)) -> String {
        let plan = plan(message, known)
        return plan.word + (plan.reason.map { " \($0)" } ?? "")
    }

    @Test func aJobIsCalledUnlessSomethingSpeaksAgainstIt() {
        #expect(word(message(lane: .jobs)) == "calls")
        #expect(word(message(), nil) == "calls", "a ledger that could not be asked says nothing")
        #expect(word(message(more: "")) == "rejected malformed_job")
        #expect(word(message(more: Self.passed + "}")) == "failed deadline_exceeded")
        #expect(word(message(more: Self.passed + "}") { $0.deadline = .lifted }) == "calls")
        let forged = message(more: Self.passed + "}", lane: .jobs) { $0.deadline = .lifted }
        #expect(word(forged) == "failed deadline_exceeded")
        #expect(word(message { $0.deadline = .at(Self.now - .seconds(1)) }) == "failed deadline_exceeded")
        #expect(word(message { $0.attempts = 10 }) == "failed attempts_exhausted")
        #expect(word(message(), KnownJob(.open, attempts: 10)) == "failed attempts_exhausted")
        #expect(word(message(), KnownJob(.open, age: .seconds(86_401))) == "failed attempts_exhausted")
        #expect(word(message { $0.givenUp = .expired }) == "failed expired")
        #expect(word(message { $0.suspect = 3 }) == "failed poison")
        #expect(word(message { $0.isAmbiguous = true }) == "asks_album")
        #expect(word(message { $0.mustQueryAlbum = true }) == "asks_album")
        #expect(word(message(), KnownJob(.open, isAmbiguous: true)) == "asks_album")
        let later = plan(message { $0.notBefore = Self.now + .seconds(9) })
        #expect(later.word == "waits" && later.until == Self.now + .seconds(9))
    }

    @Test func whatTheLedgerKnowsComesFirst() {
        let late = message(more: Self.passed + "}")
        #expect(word(late, KnownJob(.finished, outcome: "left")) == "replayed")
        #expect(word(late, KnownJob(.finished, outcome: "failed", reason: "poison")) == "replayed poison")
        #expect(word(late, KnownJob(.superseded)) == "replayed")
        #expect(word(late, KnownJob(.conflict)) == "rejected job_id_conflict")
        #expect(word(late, KnownJob(.cancelled)) == "failed cancelled")
        #expect(word(late, KnownJob(.parked, until: Self.now)) == "dropped")
        #expect(word(late, KnownJob(.unparked, until: Self.now)) == "parked")
    }

    @Test func whatWasDeliveredFiveTimesIsLeftAlone() {
        #expect(word(message(deliveries: 4)) == "calls")
        #expect(word(message(deliveries: 5)) == "left_alone")
        #expect(word(message(deliveries: 2) { $0.deliveries = 3 }) == "left_alone", "copies before it count")
        let forged = message(lane: .jobs, deliveries: 2) { $0.deliveries = 3 }
        #expect(word(forged) == "calls", "a publisher's word does not")
        #expect(word(message(more: "", deliveries: 12)) == "left_alone")
    }

    /// So that however often it is looked at, neither the broker nor a worker takes it for one that kills.
    @Test func whatIsLeftAloneIsLaidDownAnewWithItsCount() throws {
        for lane: Lane in [.due, .jobs, .bulk] {
            var waiting = message(lane: lane, deliveries: 5) {
                ($0.generation, $0.copy, $0.attempts) = (2, 3, 4)
                $0.deadline = .lifted
            }
            for _ in 0..<50 {
                let laid = try #require(waiting.relaid(at: Self.now, under: QueueNames(prefix: "p")))
                #expect(laid.routingKey == "p.due" && laid.exchange.isEmpty && laid.isMandatory)
                waiting = MessagePreview(
                    IncomingMessage(
                        tag: DeliveryTag(generation: 1, number: 1), queue: laid.routingKey, exchange: "",
                        routingKey: "", isRedelivered: false, properties: laid.properties, body: .complete(laid.body),
                        receivedAt: MonotonicTime(nanoseconds: 0)),
                    prefix: "p", eventTypes: [])
            }
            #expect(waiting.deliveries == 5 && waiting.isToBeLeftAlone)
            #expect(waiting.jobHeaders.lane == lane && waiting.jobHeaders.firstSeen == Self.now)
            // Own headers are believed on `due` alone, and a publisher's are none.
            #expect(waiting.jobHeaders.generation == (lane == .due ? 2 : 0))
            #expect((waiting.jobHeaders.deadline == .lifted) == (lane == .due))
            #expect(waiting.jobID == JobID("j"))
        }
    }

    @Test func holdsAreSaidBesideIt() {
        let plan = plan(message(), holds: ["quota_day"])
        #expect(plan.word == "calls" && plan.json["holds"] == .array([.text("quota_day")]))
        #expect(plan.json["jobId"]?.text == "j" && plan.json["fate"]?.text == "calls")
    }
}
