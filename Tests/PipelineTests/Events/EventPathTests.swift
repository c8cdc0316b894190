import AMQP
import Clocks
import Concurrency
import JSON
import Messages
import Photos
import Pipeline
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// The path of a job that came as a CloudEvent: what it is known by, what goes with its copies, and what each of its
/// results echoes.
@Suite struct EventPathTests {
    // MARK: Jobs

    @Test(arguments: EventMessage.Mode.allCases)
    func anEventIsOneCallAndItsResultEchoesIt(mode: EventMessage.Mode) async throws {
        try await harness(EventMessage.options()) { _ in
            .ok
        } _: { harness in
            EventMessage.put(EventMessage.message(mode), harness)
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.messageID) == ["e-1#0"])
            #expect(EventMessage.events(harness.results) == [EventMessage.echo])
            #expect(harness.photos.calls == [.init(bearer: "bearer-ann", token: "t")])
            // In doubt a publisher sends it again, under whatever message-id.
            EventMessage.put(EventMessage.message(mode, messageID: "another"), harness)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.isReplayed) == [false, true])
            #expect(Set(harness.results.map(\.body)).count == 1 && harness.photos.calls.count == 1)
            #expect(harness.broker.waiting == 0)
        }
    }

    @Test func withoutATypeEventsAreWhatTheyWere() async throws {
        try await harness(EventMessage.options([])) { _ in
            .ok
        } _: { harness in
            EventMessage.put(EventMessage.message(.binary, messageID: "m-1"), harness)
            EventMessage.put(EventMessage.message(.structured, messageID: "m-2"), harness)
            await harness.advance { harness.resultCount == 2 }
            #expect(Set(harness.results.map(\.messageID)).contains("m-1#0"))
            #expect(Set(harness.results.map(\.reason)) == [nil, "unsupported_content"])
            #expect(EventMessage.events(harness.results) == ["-", "-"])
        }
    }

    @Test func itsTraceCountsWhereNoHeaderOfThatNameIs() async throws {
        func traceparent(_ digit: Character) -> String {
            "00-\(String(repeating: digit, count: 32))-\(String(repeating: digit, count: 16))-01"
        }
        try await harness(EventMessage.options()) { _ in
            .ok
        } _: { harness in
            EventMessage.put(
                EventMessage.message(
                    .binary, id: "a",
                    more: [("ce-traceparent", .text(traceparent("a"))), ("ce-tracestate", .text("k=v"))]),
                harness)
            EventMessage.put(
                EventMessage.message(
                    .binary, id: "b",
                    more: [("ce-traceparent", .text(traceparent("a"))), ("traceparent", .text(traceparent("b")))]),
                harness)
            var structured = EventMessage.message(.structured, id: "c")
            structured.body = Array(structured.body.dropLast()) + Array(#","traceparent":"\#(traceparent("c"))"}"#.utf8)
            EventMessage.put(structured, harness)
            await harness.advance { harness.resultCount == 3 }
            var traces: [String: FieldValue?] = [:]
            for message in harness.broker.messages("results") {
                traces[message.properties.messageID ?? ""] = message.properties.headers?["traceparent"]
            }
            #expect(
                traces == [
                    "a#0": .text(traceparent("a")), "b#0": .text(traceparent("b")), "c#0": .text(traceparent("c")),
                ])
        }
    }

    // MARK: Identity

    @Test func theSameIDOfAnotherSourceOrOfNoneIsAConflict() async throws {
        try await harness(EventMessage.options()) { _ in
            .ok
        } _: { harness in
            EventMessage.put(EventMessage.message(.binary), harness)
            await harness.advance { harness.resultCount == 1 }
            EventMessage.put(EventMessage.message(.structured, source: "/other"), harness)
            await harness.advance { harness.resultCount == 2 }
            harness.submit("e-1", token: "t")
            await harness.advance { harness.resultCount == 3 }
            #expect(harness.results.map(\.reason) == [nil, "job_id_conflict", "job_id_conflict"])
            #expect(harness.results[1].json["event"]?["source"]?.text == "/other")
            #expect(EventMessage.events(harness.results).last == "-")
            // And the other way round.
            harness.submit("plain", token: "t")
            await harness.advance { harness.resultCount == 4 }
            EventMessage.put(EventMessage.message(.binary, id: "plain"), harness)
            await harness.advance { harness.resultCount == 5 }
            #expect(harness.results.last?.reason == "job_id_conflict")
            #expect(harness.photos.calls.count == 2)
        }
    }

    // MARK: Copies and dead letters

    @Test(arguments: EventMessage.Mode.allCases)
    func aCopyIsTheEventThatWasAcceptedWhateverTheListSaysThen(mode: EventMessage.Mode) async throws {
        let isUp = Lock(false)
        try await harness(EventMessage.options()) { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            let big = FieldValue.text(String(repeating: "b", count: 5000))
            EventMessage.put(EventMessage.message(mode, more: [("big", big)]), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            let copy = try #require(harness.broker.messages("retry.5s").first)
            #expect(copy.body == EventMessage.message(mode).body)
            #expect(copy.properties.contentType == EventMessage.message(mode).properties.contentType)
            #expect(copy.properties.messageID == "e-1")
            #expect(copy.properties.headers?["ce-id"] == nil, "4 KiB of headers are the application's")
            #expect(
                EventMessage.own(copy).event?.type == Array(EventMessage.type.utf8) && !EventMessage.own(copy).isUnread)
            var without = harness.pipeline.live.now
            without.eventTypes = []
            harness.pipeline.apply(without)
            isUp.withLock { $0 = true }
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(EventMessage.events(harness.results) == [EventMessage.echo])
        }
    }

    /// By a program that knows no events.
    @Test func aCopyThatHasLostItsEventFindsItInTheLedger() async throws {
        let isUp = Lock(false)
        try await harness(EventMessage.options()) { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            EventMessage.put(EventMessage.message(.binary), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            var copy = try #require(harness.broker.messages("retry.5s").first)
            harness.broker.purge("retry.5s")
            copy.properties.headers?.fields.removeAll { $0.name.starts(with: "x-leave-album-event".utf8) }
            harness.broker.put(copy.body, into: "due", properties: copy.properties)
            await harness.advance { !harness.broker.messages("retry.30s").isEmpty }
            let next = try #require(harness.broker.messages("retry.30s").first)
            #expect(EventMessage.own(next).event?.source == Array("/idm".utf8))
            isUp.withLock { $0 = true }
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(EventMessage.events(harness.results) == [EventMessage.echo])
        }
    }

    @Test(arguments: EventMessage.Mode.allCases)
    func aRedrivenDeadLetterIsTheSameEvent(mode: EventMessage.Mode) async throws {
        let isKnown = Lock(false)
        try await harness(EventMessage.options()) { _ in
            isKnown.withLock { $0 } ? .ok : .unknownToken
        } _: { harness in
            EventMessage.put(EventMessage.message(mode), harness)
            await harness.advance { harness.resultCount == 1 }
            let letter = try #require(harness.broker.messages("dead").first)
            #expect(letter.body == EventMessage.message(mode).body && letter.properties.messageID == "e-1")
            #expect(letter.properties.contentType == EventMessage.message(mode).properties.contentType)
            var without = harness.pipeline.live.now
            without.eventTypes = []
            harness.pipeline.apply(without)
            isKnown.withLock { $0 = true }
            let deadLetter = DeadLetter(
                reading: IncomingMessage(
                    tag: DeliveryTag(generation: 1, number: 1), queue: "p.dead", exchange: "", routingKey: "",
                    isRedelivered: false, properties: letter.properties, body: .complete(letter.body),
                    receivedAt: MonotonicTime(nanoseconds: 0)))
            #expect(deadLetter.jobID == JobID("e-1") && deadLetter.account == AccountID("ann"))
            harness.broker.put(letter.body, into: "due", properties: deadLetter.redriven(asGeneration: 1))
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.messageID) == ["e-1#0", "e-1#1"])
            #expect(harness.results.map(\.outcome) == ["failed", "left"])
            #expect(EventMessage.events(harness.results) == [EventMessage.echo, EventMessage.echo])
        }
    }

    @Test func anOlderGenerationThatANewerOneEndsEchoesTheEvent() async throws {
        let isUp = Lock(false)
        try await harness(EventMessage.options()) { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            EventMessage.put(EventMessage.message(.structured), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            isUp.withLock { $0 = true }
            var next = try #require(harness.broker.messages("retry.5s").first)
            harness.broker.purge("retry.5s")
            var headers = JobHeaders()
            (headers.generation, headers.event) = (1, EventMessage.own(next).event)
            var table = FieldTable()
            headers.write(to: &table)
            next.properties.headers = table
            harness.broker.put(next.body, into: "due", properties: next.properties)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.messageID) == ["e-1#0", "e-1#1"])
            #expect(harness.results.map(\.reason) == ["poison", nil])
            #expect(EventMessage.events(harness.results) == [EventMessage.echo, EventMessage.echo])
        }
    }

    // MARK: Ends without a message

    @Test func aLostJobsResultEchoesTheEvent() async throws {
        try await harness(EventMessage.options()) { _ in
            .unavailable
        } _: { harness in
            EventMessage.put(EventMessage.message(.binary), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            harness.broker.purge("retry.5s")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.reason) == ["job_lost"])
            #expect(EventMessage.events(harness.results) == [EventMessage.echo])
        }
    }

    @Test func theResultOfAJobThatAnOperatorEndsEchoesTheEvent() async throws {
        try await harness(EventMessage.options()) { _ in
            .unavailable
        } _: { harness in
            EventMessage.put(EventMessage.message(.structured), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            _ = try await harness.pipeline.cancelForGood(JobID("e-1"), by: "me")
            #expect(harness.results.map(\.reason) == ["cancelled"])
            #expect(EventMessage.events(harness.results) == [EventMessage.echo])
        }
    }
}
