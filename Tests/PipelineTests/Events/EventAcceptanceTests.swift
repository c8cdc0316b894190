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

/// Which messages are events, and as what their results go out.
@Suite struct EventAcceptanceTests {
    @Test(arguments: EventMessage.Mode.allCases)
    func anEventThatWasInFlightAtTooManyDeathsIsStillAnEvent(mode: EventMessage.Mode) async throws {
        for (type, outcome) in [(EventMessage.type, "left"), ("another", "rejected")] {
            try await harness(EventMessage.options()) { _ in
                .ok
            } _: { harness in
                let died = EventMessage.message(mode, type: type, more: [("x-delivery-count", .integer(10))])
                EventMessage.put(died, harness)
                await harness.advance { harness.resultCount == 1 }
                #expect(harness.events.contains { if case .quarantine = $0 { true } else { false } })
                #expect(harness.results.map(\.outcome) == [outcome])
                #expect(harness.results.first?.json["event"]?["source"]?.text == "/idm")
            }
        }
    }

    @Test func aTypeThatIsNotListedIsRejectedWithTheEventAndADeadLetter() async throws {
        try await harness(EventMessage.options()) { _ in
            .ok
        } _: { harness in
            for mode in EventMessage.Mode.allCases {
                EventMessage.put(EventMessage.message(mode, type: "another"), harness)
            }
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.reason) == ["unsupported_event_type", "unsupported_event_type"])
            #expect(harness.results.allSatisfy { $0.messageID.hasPrefix("rejected:") })
            #expect(harness.results.map { $0.json["jobId"]?.text } == ["e-1", "e-1"])
            #expect(EventMessage.events(harness.results) == [EventMessage.echo, EventMessage.echo])
            #expect(harness.deadLetters == ["unsupported_event_type", "unsupported_event_type"])
            let letters = harness.broker.messages("dead").map(EventMessage.own)
            #expect(letters.map(\.isUnread) == [true, true] && letters.allSatisfy { $0.event == nil })
            #expect(harness.photos.calls.isEmpty)
        }
    }

    /// What a publisher writes there it could only write to be believed.
    @Test func headersOfTheWorkersOwnAreNotBelievedOnAQueueOfPublishers() async throws {
        try await harness(EventMessage.options()) { _ in
            .ok
        } _: { harness in
            let forged: [(String, FieldValue)] = [
                ("x-leave-album-event-id", .text("f")), ("x-leave-album-event-source", .text("/forged")),
            ]
            EventMessage.put(EventMessage.message(.binary, more: forged), harness)
            harness.submit("plain") { properties in
                var headers = FieldTable()
                for (name, value) in forged { headers.append(name, value) }
                properties.headers = headers
            }
            await harness.advance { harness.resultCount == 2 }
            #expect(Set(EventMessage.events(harness.results)) == [EventMessage.echo, "-"])
        }
    }

    @Test func whatTheBrokerGaveUpIsReadByTheListUnlessItWasAccepted() async throws {
        try await harness(EventMessage.options()) { _ in
            .ok
        } _: { harness in
            EventMessage.put(EventMessage.message(.structured), into: "broken", harness)
            await harness.advance { harness.resultCount == 1 }
            EventMessage.put(EventMessage.message(.structured, id: "e-2", type: "another"), into: "broken", harness)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.reason) == ["poison", "unsupported_event_type"])
            #expect(EventMessage.events(harness.results).first == EventMessage.echo)
        }
    }

    // MARK: Results

    @Test func resultsAreEventsFromTheReloadOnThatSaysSo() async throws {
        var options = EventMessage.options()
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
