import AMQP
import Clocks
import Concurrency
import JSON
import Messages
import Photos
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// What is reported of jobs on their way: each state once, nothing where it is not wanted, and nothing that is no fault.
@Suite struct ProgressPathTests {
    private static func options(_ adjust: (inout Harness.Options) -> Void = { _ in }) -> Harness.Options {
        var options = Harness.Options()
        options.progress = true
        adjust(&options)
        return options
    }

    /// `a#0:p1 retrying`, in the order of their offering.
    private func offered(_ harness: Harness) -> [String] {
        harness.broker.offered.map { publication in
            let state = json(publication)["state"]?.text ?? "-"
            #expect(publication.exchange == "p.results" && publication.routingKey == "progress.\(state)")
            return "\(publication.properties.messageID ?? "-") \(state)"
        }
    }

    private func json(_ publication: Publication) -> JSONValue { (try? JSONValue.parse(publication.body)) ?? .null }

    private static let overItsMinute = Answer.error(
        429, "RESOURCE_EXHAUSTED", "Quota exceeded for 'Write requests per minute per user'")

    @Test func eachStateIsReportedOnceHoweverOftenAJobIsParked() async throws {
        let isUp = Lock(false)
        try await harness(Self.options()) { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            harness.submit("a", more: #","metadata":{"k":"v"}"#)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            #expect(offered(harness) == ["a#0:p1 retrying", "a#0:p2 parked"])
            let copy = try #require(harness.broker.messages("retry.5s").first)
            #expect(copy.properties.headers?["x-leave-album-progress"] == .text("parked,retrying"))
            let parked = json(try #require(harness.broker.offered.last))
            #expect(parked["attempts"]?.integer == 2 && parked["metadata"]?["k"]?.text == "v")
            let due = JobHeaders(reading: copy.properties.headers).notBefore?.rfc3339
            #expect(parked["until"]?.text == due && due != nil)
            #expect(parked["detail"]?.text?.contains("503") == true && parked["cause"] == nil)
            await harness.advance { !harness.broker.messages("retry.30s").isEmpty }
            isUp.withLock { $0 = true }
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.first?.outcome == "left")
            #expect(harness.broker.offered.count == 2, "nothing is reported twice")
        }
    }

    @Test func nothingIsReportedUnlessItIsWanted() async throws {
        let isUp = Lock(false)
        try await harness { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            #expect(harness.broker.offered.isEmpty)
            let copy = try #require(harness.broker.messages("retry.5s").first)
            #expect(copy.properties.headers?["x-leave-album-progress"] == nil)
            // From the next decision on.
            var wanted = harness.pipeline.live.now
            wanted.progress = true
            harness.pipeline.apply(wanted)
            await harness.advance { !harness.broker.messages("retry.30s").isEmpty }
            #expect(offered(harness) == ["a#0:p1 retrying", "a#0:p2 parked"])
        }
    }

    @Test func aJobThatEndsAtOnceHasOnlyItsResult() async throws {
        let options = Self.options { $0.strangers = ["bob"] }
        try await harness(options) { _ in
            .ok
        } _: { harness in
            harness.submit("a")
            harness.submit("b", account: "bob")
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.broker.offered.isEmpty)
        }
    }

    @Test func whatAHoldKeepsIsHeldByItsCause() async throws {
        let isBroken = Lock(true)
        try await harness(Self.options()) { _ in
            isBroken.withLock { $0 } ? .redirect : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            await harness.pass(.seconds(600))
            let hold = try #require(harness.pipeline.snapshot.holds.first)
            #expect(offered(harness) == ["a#0:p1 held"], "its probes, and its release, report nothing more")
            #expect(json(harness.broker.offered[0])["cause"]?.text == hold.cause.rawValue)
            isBroken.withLock { $0 = false }
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.broker.offered.count == 1)
        }
    }

    @Test func whatADayThatIsSpentKeepsIsHeld() async throws {
        let options = Self.options { $0.perDay = 2 }
        try await harness(options) { _ in
            .ok
        } _: { harness in
            for number in 1...3 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.advance { harness.resultCount == 2 && !harness.broker.offered.isEmpty }
            #expect(harness.broker.offered.map { json($0)["cause"]?.text } == ["quota_day"])
        }
    }

    @Test func whatItsAccountKeepsIsHeldByThat() async throws {
        try await harness(Self.options()) { call in
            call.earlier == 0 ? Self.overItsMinute : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            #expect(offered(harness) == ["a#0:p1 held"])
            #expect(json(harness.broker.offered[0])["cause"]?.text == "quota_minute")
        }
    }

    @Test func fairnessAndHandingBackReportNothing() async throws {
        let options = Self.options {
            $0.perMinute = 1
            $0.concurrency = 1
        }
        try await harness(options) { _ in
            .ok
        } _: { harness in
            for number in 1...4 { harness.submit("a\(number)") }
            harness.pipeline.pause(account: AccountID("bob"))
            harness.submit("b", account: "bob")
            await harness.advance(for: .seconds(900)) { harness.resultCount == 4 }
            #expect(harness.events.contains { if case .steppedAside = $0 { true } else { false } })
            harness.submit("c", account: "cay")
            harness.pipeline.pause(by: "me")
            await harness.pass(.seconds(300))
            #expect(harness.broker.offered.isEmpty)
        }
    }

    @Test func aNewGenerationBeginsAnew() async throws {
        let isUp = Lock(false)
        let options = Self.options { $0.maxAttempts = 3 }
        try await harness(options) { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            let before = offered(harness)
            #expect(before == ["a#0:p1 retrying", "a#0:p2 parked"])
            let letter = try #require(harness.broker.messages("dead").first)
            let deadLetter = DeadLetter(
                reading: IncomingMessage(
                    tag: DeliveryTag(generation: 1, number: 1), queue: "p.dead", exchange: "", routingKey: "",
                    isRedelivered: false, properties: letter.properties, body: .complete(letter.body),
                    receivedAt: MonotonicTime(nanoseconds: 0)))
            harness.broker.put(letter.body, into: "due", properties: deadLetter.redriven(asGeneration: 1))
            await harness.advance { harness.resultCount == 2 }
            #expect(offered(harness) == before + ["a#1:p1 retrying", "a#1:p2 parked"])
        }
    }

    /// A publisher cannot keep it from being reported.
    @Test func aHeaderOnAPublishersMessageIsNotBelieved() async throws {
        try await harness(Self.options()) { _ in
            .unavailable
        } _: { harness in
            var headers = FieldTable()
            headers.append("x-leave-album-progress", .text("parked,held,retrying"))
            harness.submit("a") { $0.headers = headers }
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            #expect(harness.broker.offered.count == 2)
        }
    }

    @Test func whereResultsAreEventsSoIsIt() async throws {
        try await harness(Self.options()) { call in
            call.earlier == 0 ? Self.overItsMinute : .ok
        } _: { harness in
            var events = harness.pipeline.live.now
            events.resultEvents = ResultEvents(.rabbitmq, source: "/here", type: "com.example.result")
            harness.pipeline.apply(events)
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            let headers = try #require(harness.broker.offered.first?.properties.headers)
            #expect(headers["ce-type"] == .text("leave-album.progress.v1") && headers["ce-id"] == .text("a#0:p1"))
        }
    }
}
