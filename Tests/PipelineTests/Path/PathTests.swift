import AMQP
import Clocks
import Concurrency
import Ledger
import Messages
import Photos
import Pipeline
import PipelineHarness
import SQLiteLedger
import Testing

@testable import Jobs
@testable import Pipeline

/// The path of a job from its delivery to its ack, with every answer that the ledger and the API can give.
@Suite struct PathTests {
    @Test func aYesIsOneCallOneResultAndAnAck() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(harness.results.first?.messageID == "a#0")
            #expect(harness.photos.calls == [.init(bearer: "bearer-ann", token: "t-a")])
            #expect(harness.broker.waiting == 0)
            #expect(harness.broker.settlements.acks == 1)
        }
    }

    /// A queue of the topology may still be missing, and no worker is there: what came would lie in hand.
    @Test func nothingIsTakenBeforeItRuns() async throws {
        let harness = try await Harness { _ in .ok }
        harness.submit("a")
        harness.pipeline.pause(account: AccountID("ann"))
        _ = harness.pipeline.resume(account: AccountID("ann"))
        harness.pipeline.linkLost(generation: 1)
        harness.pipeline.ledgerHealth(.available)
        #expect(harness.broker.consumption == .nothing)
        harness.begin()
        await harness.advance { harness.resultCount == 1 }
        #expect(harness.broker.consumption == .everything)
        #expect(harness.results.map(\.outcome) == ["left"])
        await harness.end()
    }

    /// From its arrival to its end, and not what it spent in the broker before or between.
    @Test func theTimeInFlightIsThatOfTheDeliveryThatEnds() async throws {
        try await harness { call in
            call.earlier < 2 ? .unavailable : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            let times = harness.events.compactMap { event -> Duration? in
                if case .settled(let time) = event { time } else { nil }
            }
            #expect(times.count == 1, "parking ends nothing")
            #expect(times.allSatisfy { $0 < .seconds(5) }, "\(times)")
            let total = harness.events.compactMap { event -> Duration? in
                if case .ended(let job) = event { job.timeToResult } else { nil }
            }
            #expect(total.count == 1 && total.allSatisfy { $0 >= .seconds(5) }, "\(total)")
            #expect(harness.pipeline.snapshot.oldestInFlight == nil)
        }
    }

    @Test func aServerFaultIsTriedTwiceInFlightAndThenParkedByTheSchedule() async throws {
        try await harness { call in
            call.earlier < 4 ? .unavailable : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.photos.calls.count == 2 }
            #expect(harness.broker.waiting == 1)
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            #expect(harness.broker.settlements.acks == 1, "the parked job is not in hand")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(harness.results.first?.attempts == 4)
            #expect(harness.photos.calls.count == 5)
            #expect(harness.broker.waiting == 0)
        }
    }

    @Test func attemptsComeToAnEndAndTheEffectIsUnknown() async throws {
        var options = Harness.Options()
        options.maxAttempts = 3
        try await harness(options) { _ in
            .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.reason) == ["attempts_exhausted"])
            #expect(harness.results.first?.effect == "unknown")
            #expect(harness.deadLetters == ["attempts_exhausted"])
            #expect(harness.photos.calls.count == 3)
        }
    }

    @Test func aRefusedConnectionCostsNoAttempt() async throws {
        try await harness { call in
            call.earlier < 3 ? .notSent(detail: "refused") : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(harness.results.first?.attempts == 0)
        }
    }

    /// A day long; by default a part of it.
    @Test func anOutageOfHoursCostsNoJobAnythingAndFewCalls() async throws {
        let hours = Drill.isWhole ? 24 : 4
        let isDown = Lock(true)
        try await harness { _ in
            isDown.withLock { $0 } ? .notSent(detail: "refused") : .ok
        } _: { harness in
            for minute in 0..<hours * 60 {
                harness.submit("j\(minute)", account: "a\(minute)")
                await harness.pass(.seconds(60))
            }
            #expect(harness.resultCount == 0 && harness.deadLetters.isEmpty)
            #expect(harness.broker.waiting == hours * 60)
            #expect(harness.photos.calls.count < 12 + hours * 12, "\(harness.photos.calls.count) calls")
            isDown.withLock { $0 = false }
            await harness.advance { harness.resultCount == hours * 60 }
            #expect(harness.resultCount == hours * 60)
            #expect(harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    @Test func anExpiredTokenIsReadAgainOnce() async throws {
        try await harness { call in
            call.bearer.hasSuffix("-again")
                ? .ok : .error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(harness.photos.calls.map(\.bearer) == ["bearer-ann", "bearer-ann-again"])
        }
    }

    @Test func anAnswerThatCannotBeBelievedThreeTimesIsSaidToBeSo() async throws {
        try await harness { _ in
            .html
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.reason) == ["response_malformed"])
            #expect(harness.photos.calls.count == 3)
        }
    }

    @Test func aSystemicFaultHoldsTheWorkerAndCostsTheJobNothing() async throws {
        let isBroken = Lock(true)
        try await harness { _ in
            isBroken.withLock { $0 } ? .redirect : .ok
        } _: { harness in
            for number in 0..<10 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.pass(.seconds(60))
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.endpointMisconfigured])
            #expect(harness.broker.consumption == .nothing)
            #expect(harness.photos.calls.count <= 10, "each is tried once")
            await harness.pass(.seconds(7_200))
            #expect(harness.photos.calls.count < 18)
            #expect(harness.resultCount == 0 && harness.deadLetters.isEmpty)
            isBroken.withLock { $0 = false }
            await harness.advance { harness.resultCount == 10 }
            #expect(harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
            #expect(harness.pipeline.snapshot.holds.isEmpty)
        }
    }

    @Test func aDeadlineThatHasPassedMakesNoCall() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a", more: #","deadline":"2026-11-23T11:59:59Z""#)
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.reason) == ["deadline_exceeded"])
            #expect(harness.results.first?.effect == "not_left")
            #expect(harness.photos.calls.isEmpty)
        }
    }

    @Test func aDeadlineThatPassesWhileTheTokenIsAwaitedMakesNoCall() async throws {
        var options = Harness.Options()
        options.tokenTakes = .seconds(7)
        try await harness(options) { _ in
            .ok
        } _: { harness in
            harness.submit("late", more: #","deadline":"2026-11-23T12:00:05Z""#)
            harness.submit("soon", account: "bob", more: #","deadline":"2026-11-23T12:01:00Z""#)
            await harness.advance { harness.resultCount == 2 }
            let late = harness.results.first { $0.messageID == "late#0" }
            #expect(late?.reason == "deadline_exceeded" && late?.effect == "not_left")
            #expect(harness.results.first { $0.messageID == "soon#0" }?.outcome == "left")
            #expect(harness.photos.calls.count == 1)
        }
    }

    @Test func aStrangerHasNoCredential() async throws {
        var options = Harness.Options()
        options.strangers = ["eve"]
        try await harness(options) { _ in
            .ok
        } _: { harness in
            harness.submit("a", account: "eve")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.reason) == ["credential_not_found"])
            #expect(harness.photos.calls.isEmpty)
        }
    }

    @Test func aReplyToGetsACopyOnlyWhereThatIsAllowed() async throws {
        var options = Harness.Options()
        options.replyToAllow = ["reply.*"]
        try await harness(options) { _ in
            .ok
        } _: { harness in
            harness.submit("a") { $0.replyTo = "reply.me" }
            harness.submit("b", account: "bob") { $0.replyTo = "p.dead" }
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.deadLetters.isEmpty)
            let copies = harness.events.count { if case .replyCopy = $0 { true } else { false } }
            #expect(copies == 1)
        }
    }

    @Test func anAccountThatIsSlowDelaysNobody() async throws {
        let isSlow = Lock(true)
        let clock = Lock<ManualClock?>(nil)
        try await harness { call in
            if call.bearer == "bearer-slow", isSlow.withLock({ $0 }) {
                await clock.withLock { $0 }?.sleep(for: .seconds(100))
            }
            return .ok
        } _: { harness in
            clock.withLock { $0 = harness.clock }
            harness.submit("warm", account: "w1")
            harness.submit("warm2", account: "w2")
            await harness.advance { harness.resultCount == 2 }
            for number in 0..<5 { harness.submit("s\(number)", account: "slow") }
            for number in 0..<20 { harness.submit("q\(number)", account: "quick\(number)") }
            await harness.advance(for: .seconds(1)) { harness.resultCount == 22 }
            #expect(harness.resultCount == 22, "one of the slow account's is in a call, the others wait for it")
        }
    }
}
