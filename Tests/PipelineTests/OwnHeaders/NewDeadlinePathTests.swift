import AMQP
import Clocks
import Concurrency
import Messages
import Photos
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// The path of a job whose deadline has passed, and that an operator redrives with another one.
@Suite struct NewDeadlinePathTests {
    private static let passed = #","deadline":"2026-11-23T11:00:00Z""#
    private static let header = "x-leave-album-deadline"

    /// The newest dead letter, as a command reads it.
    private func deadLetter(_ harness: Harness) throws -> DeadLetter {
        let letter = try #require(harness.broker.messages("dead").last)
        return DeadLetter(
            reading: IncomingMessage(
                tag: DeliveryTag(generation: 1, number: 1), queue: "p.dead", exchange: "", routingKey: "",
                isRedelivered: false, properties: letter.properties, body: .complete(letter.body),
                receivedAt: MonotonicTime(nanoseconds: 0)))
    }

    private func redrive(_ harness: Harness, deadline: NewDeadline?) throws {
        let letter = try deadLetter(harness)
        harness.broker.put(
            letter.message.body.held, into: "due",
            properties: letter.redriven(asGeneration: letter.generation + 1, deadline: deadline))
    }

    private func given(_ properties: Properties) -> FieldValue? { properties.headers?[Self.header] }

    private func givenInDeadLetter(_ harness: Harness) throws -> FieldValue? {
        given(try deadLetter(harness).message.properties)
    }

    @Test(arguments: [NewDeadline.at(Harness.start + .seconds(7200)), .lifted])
    func itIsCalledAndKeepsTheNewOneThroughParkings(deadline: NewDeadline) async throws {
        let isUp = Lock(false)
        try await harness { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            harness.submit("a", more: Self.passed)
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.reason) == ["deadline_exceeded"])
            #expect(try givenInDeadLetter(harness) == nil)
            try redrive(harness, deadline: deadline)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            let first = try #require(harness.broker.messages("retry.5s").first)
            await harness.advance { !harness.broker.messages("retry.30s").isEmpty }
            let second = try #require(harness.broker.messages("retry.30s").first)
            for copy in [first, second] {
                #expect(JobHeaders(reading: copy.properties.headers).deadline == deadline)
                #expect(String(decoding: copy.body, as: UTF8.self).contains(Self.passed), "the body stays")
            }
            isUp.withLock { $0 = true }
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.messageID) == ["a#0", "a#1"])
            #expect(harness.results.last?.outcome == "left")
        }
    }

    @Test func withoutAnotherOneItEndsAtOnce() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a", more: Self.passed)
            await harness.advance { harness.resultCount == 1 }
            try redrive(harness, deadline: nil)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.reason) == ["deadline_exceeded", "deadline_exceeded"])
            #expect(harness.photos.calls.isEmpty)
        }
    }

    @Test func theNewOneEndsItAsWell() async throws {
        let deadline = Harness.start + .seconds(20)
        try await harness { _ in
            .unavailable
        } _: { harness in
            harness.submit("a", more: Self.passed)
            await harness.advance { harness.resultCount == 1 }
            try redrive(harness, deadline: .at(deadline))
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.reason) == ["deadline_exceeded", "deadline_exceeded"])
            #expect(!harness.photos.calls.isEmpty)
            #expect(harness.clock.wall() <= deadline, "it is not parked beyond it")
            // Its dead letter says what it was given, and another one takes its place.
            #expect(try deadLetter(harness).deadline == deadline)
            let next = try deadLetter(harness).redriven(asGeneration: 2, deadline: .lifted)
            #expect(given(next) == .text("none"))
            #expect(next.headers?.fields.count { $0.name == Array(Self.header.utf8) } == 1)
        }
    }

    @Test func whatWasGivenOnceLastsForTheNextRedrive() async throws {
        let isKnown = Lock(false)
        try await harness { _ in
            isKnown.withLock { $0 } ? .ok : .unknownToken
        } _: { harness in
            harness.submit("a", more: Self.passed)
            await harness.advance { harness.resultCount == 1 }
            try redrive(harness, deadline: .lifted)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.last?.reason == "share_token_invalid")
            #expect(try deadLetter(harness).deadline == nil)
            isKnown.withLock { $0 = true }
            try redrive(harness, deadline: nil)
            await harness.advance { harness.resultCount == 3 }
            #expect(harness.results.last?.messageID == "a#2" && harness.results.last?.outcome == "left")
        }
    }

    /// A job that steps aside at a wait of hours comes again in time for its new deadline.
    @Test func whoStepsAsideEndsAtTheNewOne() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a", more: Self.passed)
            await harness.advance { harness.resultCount == 1 }
            harness.pipeline.pause(account: AccountID("ann"))
            let deadline = harness.clock.wall() + .seconds(200)
            try redrive(harness, deadline: .at(deadline))
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.last?.reason == "deadline_exceeded")
            #expect(harness.clock.wall() > deadline)
            #expect(harness.clock.wall() - deadline <= .seconds(60), "a minute in flight")
        }
    }

    // MARK: Whose word it is

    private func forged(_ value: FieldValue, more: [(String, FieldValue)] = []) -> FieldTable {
        var headers = FieldTable()
        headers.append(Self.header, value)
        for (name, value) in more { headers.append(name, value) }
        return headers
    }

    @Test(arguments: ["jobs", "bulk"])
    func aPublisherCannotGiveIt(lane: String) async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a", lane: lane, more: Self.passed) { $0.headers = forged(.text("none")) }
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.reason) == ["deadline_exceeded"])
            let given = try givenInDeadLetter(harness)
            #expect(given == nil, "nor for a later redrive")
            #expect(harness.events.contains { if case .forgedHeaders = $0 { true } else { false } })
        }
    }

    /// Its own expiration brings a publisher's message to `broken`, with all headers that it wrote.
    @Test func aPublisherCannotGiveItByWayOfTheBroker() async throws {
        var death = FieldTable()
        death.append("reason", .text("expired"))
        let headers = forged(.text("none"), more: [("x-death", .array([.table(death)]))])
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a", lane: "broken", more: Self.passed) { $0.headers = headers }
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.reason) == ["expired"])
            #expect(try givenInDeadLetter(harness) == nil)
            try redrive(harness, deadline: nil)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.last?.reason == "deadline_exceeded" && harness.photos.calls.isEmpty)
        }
    }

    @Test(arguments: [.integer(-1), .integer(.max), .text("later"), .boolean(true), .void] as [FieldValue])
    func whatNobodyOfOursWritesCountsAsAbsent(value: FieldValue) async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a", lane: "due", more: Self.passed) { $0.headers = forged(value) }
            harness.submit("b", lane: "due") { $0.headers = forged(value) }
            await harness.advance { harness.resultCount == 2 }
            let reasons = Dictionary(uniqueKeysWithValues: harness.results.map { ($0.messageID, $0.reason) })
            #expect(reasons == ["a#0": "deadline_exceeded", "b#0": nil])
        }
    }
}
