import AMQP
import Clocks
import Concurrency
import JSON
import Ledger
import Photos
import PipelineHarness
import SQLiteLedger
import Secrets
import Testing

@testable import Jobs
@testable import Pipeline

/// What becomes of a job that an operator ends for good, wherever it is.
@Suite(.timeLimit(.minutes(30))) struct CancelPathTests {
    /// Answers that wait until a test gives them.
    final class Latch: Sendable {
        private let state = Lock<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

        func pass() async {
            await withCheckedContinuation { waiter in
                let mayPass = state.withLock { state in
                    if !state.isOpen { state.waiting.append(waiter) }
                    return state.isOpen
                }
                if mayPass { waiter.resume() }
            }
        }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            waiting.forEach { $0.resume() }
        }
    }

    func end(_ id: String, _ harness: Harness) async throws -> JobPipeline.LastWord {
        try await harness.pipeline.cancelForGood(JobID(id), by: "me")
    }

    /// The effect of the result that the job has now.
    func expectEnded(
        _ word: JobPipeline.LastWord, _ harness: Harness, effect: Effect, isPublished: Bool = true,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        guard case .ended(let stored, isPublished) = word else {
            Issue.record("\(word)", sourceLocation: location)
            return
        }
        let result = try JobResult.decode(stored.body)
        #expect(result.outcome == .failed && result.reason == .cancelled, sourceLocation: location)
        #expect(result.effect == effect, sourceLocation: location)
        guard isPublished else { return }
        let published = harness.results.filter { $0.messageID == stored.messageID }
        #expect(published.first?.body == stored.body, sourceLocation: location)
        #expect(published.count { !$0.isReplayed } == 1, sourceLocation: location)
    }

    // MARK: In hand

    @Test func oneThatWaitsInFlightHasResultAndDeadLetterAtOnce() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.pipeline.pause(account: AccountID("ann"))
            harness.submit("a", more: #","metadata":{"ticket":"7"}"#)
            harness.submit("b")
            await harness.pass(.seconds(1))
            try expectEnded(try await end("a", harness), harness, effect: .notLeft)
            #expect(harness.results.first?.json["metadata"]?["ticket"]?.text == "7", "its message is in hand")
            #expect(harness.deadLetters == ["cancelled"])
            #expect(harness.broker.unacked == 1 && harness.resultCount == 1, "the other waits on")
            #expect(harness.pipeline.resume(account: AccountID("ann")))
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.photos.calls.map(\.token) == ["t-b"])
        }
    }

    @Test func oneBetweenTwoTriesCallsNoMore() async throws {
        try await harness { _ in
            .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.photos.calls.count == 1 }
            let word = try await end("a", harness)
            try expectEnded(word, harness, effect: .unknown)
            await harness.pass(.seconds(86_400))
            #expect(harness.photos.calls.count == 1)
            #expect(harness.deadLetters == ["cancelled"] && harness.resultCount == 1)
            #expect(harness.broker.waiting == 0 && harness.broker.unacked == 0)
        }
    }

    @Test(arguments: [true, false]) func aCallInFlightIsAwaitedAndItsAnswerStandsIfItDecides(isGood: Bool) async throws
    {
        let latch = Latch()
        try await harness { _ in
            await latch.pass()
            return isGood ? .ok : .unavailable
        } _: { harness in
            harness.submit("a")
            harness.submit("a")
            await harness.advance { harness.photos.calls.count == 1 }
            async let word = end("a", harness)
            async let second = end("a", harness)
            await harness.pass(.seconds(1))
            #expect(harness.resultCount == 0, "no word goes out while the answer is not there")
            latch.open()
            let message = try await [word, second]
            // One of the two came first, and the other found it at work.
            #expect(message.contains(.busy))
            let done = try #require(message.first { $0 != .busy })
            if isGood {
                guard case .ended(let stored, true) = done else {
                    Issue.record("\(done)")
                    return
                }
                #expect(stored.outcome == .left)
                #expect(harness.deadLetters.isEmpty)
            } else {
                try expectEnded(done, harness, effect: .unknown)
                await harness.advance { !harness.deadLetters.isEmpty }
                #expect(harness.deadLetters == ["cancelled"])
            }
            await harness.pass(.seconds(86_400))
            #expect(harness.photos.calls.count == 1)
            #expect(harness.results.count { !$0.isReplayed } == 1)
            #expect(Set(harness.results.map(\.body)).count == 1, "the second delivery has the same bytes")
            #expect(harness.broker.waiting == 0 && harness.broker.unacked == 0)
        }
    }

    @Test func theJobThatKeepsTheHoldGoesAndTheOthersAreDone() async throws {
        try await harness { call in
            call.token == "t-bad" ? .redirect : .ok
        } _: { harness in
            harness.submit("bad", account: "bad")
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            let word = try await end("bad", harness)
            try expectEnded(word, harness, effect: .unknown)
            let calls = harness.photos.calls.count
            for number in 0..<5 { harness.submit("j\(number)", account: "a\(number)") }
            _ = harness.pipeline.probe()
            await harness.advance { harness.resultCount == 6 }
            #expect(harness.photos.calls.count == calls + 5)
            #expect(harness.results.count { $0.outcome == "left" } == 5)
            // Its message stood aside, so that others could be tried, and brings the letter when it comes.
            await harness.advance(for: .seconds(120)) { !harness.deadLetters.isEmpty }
            #expect(harness.deadLetters == ["cancelled"])
            let ends = harness.events.count { event in
                guard case .ended(let job) = event else { return false }
                return job.jobID == JobID("bad")
            }
            #expect(ends == 1, "one job ended once")
        }
    }

    @Test func aRedrivenGenerationInFlightEndsAndTheOlderKeepsItsResult() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            guard case .hadEnded(let stored) = try await end("a", harness) else {
                Issue.record("it had ended")
                return
            }
            #expect(stored.outcome == .left)
            harness.pipeline.pause(account: AccountID("ann"))
            redrive("a", generation: 1, harness)
            await harness.pass(.seconds(1))
            try expectEnded(try await end("a", harness), harness, effect: .notLeft)
            #expect(harness.results.map(\.messageID) == ["a#0", "a#1"])
            #expect(harness.deadLetters == ["cancelled"] && harness.photos.calls.count == 1)
        }
    }

    /// The word is for both: the newer one ends as well, now or when it comes.
    @Test func twoGenerationsInFlightBothEnd() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.pipeline.pause(account: AccountID("ann"))
            harness.submit("a")
            await harness.pass(.seconds(1))
            redrive("a", generation: 1, harness)
            await harness.pass(.seconds(1))
            _ = try await end("a", harness)
            #expect(harness.pipeline.resume(account: AccountID("ann")))
            await harness.pass(.seconds(86_400))
            #expect(
                harness.results.map { "\($0.messageID) \($0.reason ?? "")" }.sorted() == [
                    "a#0 cancelled", "a#1 cancelled",
                ])
            #expect(harness.photos.calls.isEmpty && harness.deadLetters.count == 2)
        }
    }

    func redrive(_ id: String, generation: Int64, _ harness: Harness) {
        harness.submit(id, lane: "due") {
            var headers = FieldTable()
            headers.append("x-leave-album-generation", .integer(generation))
            $0.headers = headers
        }
    }

    // MARK: In the broker alone

    @Test func aParkedOneHasItsResultAtOnceAndItsDeadLetterWithItsCopy() async throws {
        try await harness { _ in
            .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.broker.unacked == 0 && !harness.photos.calls.isEmpty }
            #expect(harness.broker.waiting == 1, "its copy lies in a retry queue")
            let calls = harness.photos.calls.count
            let word = try await end("a", harness)
            try expectEnded(word, harness, effect: .unknown)
            #expect(harness.deadLetters.isEmpty)
            await harness.advance { !harness.deadLetters.isEmpty }
            await harness.pass(.seconds(86_400))
            #expect(harness.deadLetters == ["cancelled"] && harness.resultCount == 1)
            #expect(harness.photos.calls.count == calls)
            let deadLetter = try #require(harness.broker.messages("dead").first)
            #expect(
                deadLetter.properties.headers?["x-leave-album-ambiguous"] == .boolean(true), "its effect is unknown")
            guard case .hadEnded = try await end("a", harness) else {
                Issue.record("it had ended")
                return
            }
        }
    }

    @Test func oneThatNobodyKnowsEndsWhenItComesAlsoAfterALostLedger() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            for id in ["a", "b"] {
                let word = try await end(id, harness)
                #expect(word == .remembered)
            }
            harness.submit("a")
            harness.submit("b", lane: "due") {
                var headers = FieldTable()
                headers.append("x-leave-album-attempt", .integer(2))
                $0.headers = headers
            }
            await harness.advance { harness.resultCount == 2 }
            #expect(
                Set(harness.results.map { "\($0.messageID) \($0.reason ?? "") \($0.effect)" }) == [
                    "a#0 cancelled not_left", "b#0 cancelled unknown",
                ])
            #expect(harness.deadLetters == ["cancelled", "cancelled"] && harness.photos.calls.isEmpty)
        }
    }

    @Test(.enabled(if: HarnessLedger.Kind.ofTheRun.keepsAll)) func aGenerationOnItsWayEndsWhenItComes() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            try await harness.ledger.kept.write(
                JobEvent(
                    jobID: JobID("a"), generation: 0, at: Harness.start, kind: "redriven", detail: "as generation 1"))
            let word = try await end("a", harness)
            #expect(word == .remembered)
            redrive("a", generation: 1, harness)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.last?.reason == "cancelled" && harness.photos.calls.count == 1)
        }
    }
}
