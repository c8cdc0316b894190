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
    enum Mode: CaseIterable, Sendable {
        case structured, binary
    }

    private static let type = "com.example.leave"
    private static let echo = #"{"id":"e-1","source":"/idm","subject":"users/7","time":"2026-11-23T19:50:00Z"}"#

    private static func options(_ types: [String] = [type]) -> Harness.Options {
        var options = Harness.Options()
        options.eventTypes = types
        return options
    }

    /// The message that a publisher makes of the event.
    private static func message(
        _ mode: Mode, id: String = "e-1", source: String = "/idm", type: String = type, account: String = "ann",
        token: String = "t", messageID: String? = "made up", more: [(String, FieldValue)] = []
    ) -> (body: [UInt8], properties: Properties) {
        let data = #"{"account":"\#(account)","shareToken":"\#(token)"}"#
        let attributes = [
            ("specversion", "1.0"), ("id", id), ("source", source), ("type", type), ("subject", "users/7"),
            ("time", "2026-11-23T19:50:00Z"),
        ]
        var properties = Properties()
        properties.messageID = messageID
        var headers = FieldTable()
        for (name, value) in more { headers.append(name, value) }
        switch mode {
        case .structured:
            properties.contentType = "application/cloudevents+json"
            properties.headers = headers
            let members = attributes.map { #""\#($0.0)":"\#($0.1)""# }.joined(separator: ",")
            return (Array(#"{\#(members),"data":\#(data)}"#.utf8), properties)
        case .binary:
            properties.contentType = "application/json"
            for (name, value) in attributes { headers.append("ce-\(name)", .text(value)) }
            properties.headers = headers
            return (Array(data.utf8), properties)
        }
    }

    private static func put(
        _ message: (body: [UInt8], properties: Properties), into lane: String = "jobs", _ harness: Harness
    ) {
        harness.broker.put(message.body, into: lane, properties: message.properties)
    }

    private static func events(_ results: [Harness.Read]) -> [String] {
        results.map { $0.json["event"].map { String(decoding: $0.encoded(), as: UTF8.self) } ?? "-" }
    }

    private static func own(_ message: MiniBroker.Stored) -> JobHeaders {
        JobHeaders(reading: message.properties.headers)
    }

    // MARK: Jobs

    @Test(arguments: Mode.allCases)
    func anEventIsOneCallAndItsResultEchoesIt(mode: Mode) async throws {
        try await harness(Self.options()) { _ in
            .ok
        } _: { harness in
            Self.put(Self.message(mode), harness)
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.messageID) == ["e-1#0"])
            #expect(Self.events(harness.results) == [Self.echo])
            #expect(harness.photos.calls == [.init(bearer: "bearer-ann", token: "t")])
            // In doubt a publisher sends it again, under whatever message-id.
            Self.put(Self.message(mode, messageID: "another"), harness)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.isReplayed) == [false, true])
            #expect(Set(harness.results.map(\.body)).count == 1 && harness.photos.calls.count == 1)
            #expect(harness.broker.waiting == 0)
        }
    }

    @Test func withoutATypeEventsAreWhatTheyWere() async throws {
        try await harness(Self.options([])) { _ in
            .ok
        } _: { harness in
            Self.put(Self.message(.binary, messageID: "m-1"), harness)
            Self.put(Self.message(.structured, messageID: "m-2"), harness)
            await harness.advance { harness.resultCount == 2 }
            #expect(Set(harness.results.map(\.messageID)).contains("m-1#0"))
            #expect(Set(harness.results.map(\.reason)) == [nil, "unsupported_content"])
            #expect(Self.events(harness.results) == ["-", "-"])
        }
    }

    @Test func itsTraceCountsWhereNoHeaderOfThatNameIs() async throws {
        func traceparent(_ digit: Character) -> String {
            "00-\(String(repeating: digit, count: 32))-\(String(repeating: digit, count: 16))-01"
        }
        try await harness(Self.options()) { _ in
            .ok
        } _: { harness in
            Self.put(
                Self.message(
                    .binary, id: "a",
                    more: [("ce-traceparent", .text(traceparent("a"))), ("ce-tracestate", .text("k=v"))]),
                harness)
            Self.put(
                Self.message(
                    .binary, id: "b",
                    more: [("ce-traceparent", .text(traceparent("a"))), ("traceparent", .text(traceparent("b")))]),
                harness)
            var structured = Self.message(.structured, id: "c")
            structured.body = Array(structured.body.dropLast()) + Array(#","traceparent":"\#(traceparent("c"))"}"#.utf8)
            Self.put(structured, harness)
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
        try await harness(Self.options()) { _ in
            .ok
        } _: { harness in
            Self.put(Self.message(.binary), harness)
            await harness.advance { harness.resultCount == 1 }
            Self.put(Self.message(.structured, source: "/other"), harness)
            await harness.advance { harness.resultCount == 2 }
            harness.submit("e-1", token: "t")
            await harness.advance { harness.resultCount == 3 }
            #expect(harness.results.map(\.reason) == [nil, "job_id_conflict", "job_id_conflict"])
            #expect(harness.results[1].json["event"]?["source"]?.text == "/other")
            #expect(Self.events(harness.results).last == "-")
            // And the other way round.
            harness.submit("plain", token: "t")
            await harness.advance { harness.resultCount == 4 }
            Self.put(Self.message(.binary, id: "plain"), harness)
            await harness.advance { harness.resultCount == 5 }
            #expect(harness.results.last?.reason == "job_id_conflict")
            #expect(harness.photos.calls.count == 2)
        }
    }

    // MARK: Copies and dead letters

    @Test(arguments: Mode.allCases)
    func aCopyIsTheEventThatWasAcceptedWhateverTheListSaysThen(mode: Mode) async throws {
        let isUp = Lock(false)
        try await harness(Self.options()) { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            let big = FieldValue.text(String(repeating: "b", count: 5000))
            Self.put(Self.message(mode, more: [("big", big)]), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            let copy = try #require(harness.broker.messages("retry.5s").first)
            #expect(copy.body == Self.message(mode).body)
            #expect(copy.properties.contentType == Self.message(mode).properties.contentType)
            #expect(copy.properties.messageID == "e-1")
            #expect(copy.properties.headers?["ce-id"] == nil, "4 KiB of headers are the application's")
            #expect(Self.own(copy).event?.type == Array(Self.type.utf8) && !Self.own(copy).isUnread)
            var without = harness.pipeline.live.now
            without.eventTypes = []
            harness.pipeline.apply(without)
            isUp.withLock { $0 = true }
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(Self.events(harness.results) == [Self.echo])
        }
    }

    /// By a program that knows no events.
    @Test func aCopyThatHasLostItsEventFindsItInTheLedger() async throws {
        let isUp = Lock(false)
        try await harness(Self.options()) { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            Self.put(Self.message(.binary), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            var copy = try #require(harness.broker.messages("retry.5s").first)
            harness.broker.purge("retry.5s")
            copy.properties.headers?.fields.removeAll { $0.name.starts(with: "x-leave-album-event".utf8) }
            harness.broker.put(copy.body, into: "due", properties: copy.properties)
            await harness.advance { !harness.broker.messages("retry.30s").isEmpty }
            let next = try #require(harness.broker.messages("retry.30s").first)
            #expect(Self.own(next).event?.source == Array("/idm".utf8))
            isUp.withLock { $0 = true }
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(Self.events(harness.results) == [Self.echo])
        }
    }

    @Test(arguments: Mode.allCases)
    func aRedrivenDeadLetterIsTheSameEvent(mode: Mode) async throws {
        let isKnown = Lock(false)
        try await harness(Self.options()) { _ in
            isKnown.withLock { $0 } ? .ok : .unknownToken
        } _: { harness in
            Self.put(Self.message(mode), harness)
            await harness.advance { harness.resultCount == 1 }
            let letter = try #require(harness.broker.messages("dead").first)
            #expect(letter.body == Self.message(mode).body && letter.properties.messageID == "e-1")
            #expect(letter.properties.contentType == Self.message(mode).properties.contentType)
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
            #expect(Self.events(harness.results) == [Self.echo, Self.echo])
        }
    }

    @Test func anOlderGenerationThatANewerOneEndsEchoesTheEvent() async throws {
        let isUp = Lock(false)
        try await harness(Self.options()) { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            Self.put(Self.message(.structured), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            isUp.withLock { $0 = true }
            var next = try #require(harness.broker.messages("retry.5s").first)
            harness.broker.purge("retry.5s")
            var headers = JobHeaders()
            (headers.generation, headers.event) = (1, Self.own(next).event)
            var table = FieldTable()
            headers.write(to: &table)
            next.properties.headers = table
            harness.broker.put(next.body, into: "due", properties: next.properties)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.messageID) == ["e-1#0", "e-1#1"])
            #expect(harness.results.map(\.reason) == ["poison", nil])
            #expect(Self.events(harness.results) == [Self.echo, Self.echo])
        }
    }

    // MARK: Ends without a message

    @Test func aLostJobsResultEchoesTheEvent() async throws {
        try await harness(Self.options()) { _ in
            .unavailable
        } _: { harness in
            Self.put(Self.message(.binary), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            harness.broker.purge("retry.5s")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.reason) == ["job_lost"])
            #expect(Self.events(harness.results) == [Self.echo])
        }
    }

    @Test func theResultOfAJobThatAnOperatorEndsEchoesTheEvent() async throws {
        try await harness(Self.options()) { _ in
            .unavailable
        } _: { harness in
            Self.put(Self.message(.structured), harness)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            _ = try await harness.pipeline.cancelForGood(JobID("e-1"), by: "me")
            #expect(harness.results.map(\.reason) == ["cancelled"])
            #expect(Self.events(harness.results) == [Self.echo])
        }
    }

    // MARK: Before it was accepted

    @Test(arguments: Mode.allCases)
    func anEventThatWasInFlightAtTooManyDeathsIsStillAnEvent(mode: Mode) async throws {
        for (type, outcome) in [(Self.type, "left"), ("another", "rejected")] {
            try await harness(Self.options()) { _ in
                .ok
            } _: { harness in
                let died = Self.message(mode, type: type, more: [("x-delivery-count", .integer(10))])
                Self.put(died, harness)
                await harness.advance { harness.resultCount == 1 }
                #expect(harness.events.contains { if case .quarantine = $0 { true } else { false } })
                #expect(harness.results.map(\.outcome) == [outcome])
                #expect(harness.results.first?.json["event"]?["source"]?.text == "/idm")
            }
        }
    }

    @Test func aTypeThatIsNotListedIsRejectedWithTheEventAndALetter() async throws {
        try await harness(Self.options()) { _ in
            .ok
        } _: { harness in
            for mode in Mode.allCases { Self.put(Self.message(mode, type: "another"), harness) }
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.reason) == ["unsupported_event_type", "unsupported_event_type"])
            #expect(harness.results.allSatisfy { $0.messageID.hasPrefix("rejected:") })
            #expect(harness.results.map { $0.json["jobId"]?.text } == ["e-1", "e-1"])
            #expect(Self.events(harness.results) == [Self.echo, Self.echo])
            #expect(harness.deadLetters == ["unsupported_event_type", "unsupported_event_type"])
            let letters = harness.broker.messages("dead").map(Self.own)
            #expect(letters.map(\.isUnread) == [true, true] && letters.allSatisfy { $0.event == nil })
            #expect(harness.photos.calls.isEmpty)
        }
    }

    /// What a publisher writes there it could only write to be believed.
    @Test func headersOfTheWorkersOwnAreNotBelievedOnAQueueOfPublishers() async throws {
        try await harness(Self.options()) { _ in
            .ok
        } _: { harness in
            let forged: [(String, FieldValue)] = [
                ("x-leave-album-event-id", .text("f")), ("x-leave-album-event-source", .text("/forged")),
            ]
            Self.put(Self.message(.binary, more: forged), harness)
            harness.submit("plain") { properties in
                var headers = FieldTable()
                for (name, value) in forged { headers.append(name, value) }
                properties.headers = headers
            }
            await harness.advance { harness.resultCount == 2 }
            #expect(Set(Self.events(harness.results)) == [Self.echo, "-"])
        }
    }

    @Test func whatTheBrokerGaveUpIsReadByTheListUnlessItWasAccepted() async throws {
        try await harness(Self.options()) { _ in
            .ok
        } _: { harness in
            Self.put(Self.message(.structured), into: "broken", harness)
            await harness.advance { harness.resultCount == 1 }
            Self.put(Self.message(.structured, id: "e-2", type: "another"), into: "broken", harness)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.reason) == ["poison", "unsupported_event_type"])
            #expect(Self.events(harness.results).first == Self.echo)
        }
    }

    // MARK: Results

    @Test func resultsAreEventsFromTheReloadOnThatSaysSo() async throws {
        var options = Self.options()
        options.replyToAllow = ["reply"]
        try await harness(options) { _ in
            .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            var next = harness.pipeline.live.now
            next.resultEvents = ResultEvents(.rabbitmq, source: "/here", type: "of.mine")
            harness.pipeline.apply(next)
            harness.submit("a")
            harness.submit("b") { $0.replyTo = "reply" }
            await harness.advance { harness.resultCount == 3 }
            let ids = harness.broker.messages("results").map { $0.properties.headers?["ce-id"] }
            #expect(Set(ids) == [nil, .text("a#0"), .text("b#0")])
            #expect(Set(harness.results.map(\.body)).count == 2, "a replay has the same body")
        }
    }
}
