import AMQP
import Clocks
import Concurrency
import JSON
import Jobs
import Ledger
import Messages
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// What the worker does when a quota of the API is spent, or its clock is not the API's.
@Suite struct QuotaPathTests {
    @Test func anAccountOverItsMinuteWaitsAloneAndLosesNoAttempt() async throws {
        try await harness { call in
            call.token.hasPrefix("t-ann") && call.earlier == 0
                ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for 'Write requests per minute per user'") : .ok
        } _: { harness in
            harness.submit("ann1", account: "ann")
            harness.submit("bob1", account: "bob")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map { $0.json["jobId"]?.text } == ["bob1"])
            #expect(harness.pipeline.accountHolds.map(\.cause) == ["quota_minute"])
            #expect(harness.pipeline.snapshot.holds.isEmpty)
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.clock.now() - MonotonicTime(nanoseconds: 0) >= .seconds(30))
            #expect(harness.results.last?.attempts == 0)
            #expect(harness.pipeline.accountHolds.isEmpty)
        }
    }

    @Test func threeAccountsWithConcurrentWritesHoldTheWorker() async throws {
        try await harness { _ in
            .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota 'concurrent write request' of service 'p'")
        } _: { harness in
            for name in ["ann", "bob", "cay"] { harness.submit(name, account: name) }
            await harness.advance(for: .seconds(60)) { !harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.rateLimited])
        }
    }

    @Test func aSpentDayIsOverUntilItsResetWhateverWasCounted() async throws {
        var options = Harness.Options()
        options.perDay = 1000
        let isSpent = Lock(true)
        try await harness(options) { _ in
            isSpent.withLock { $0 }
                ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for limit 'All requests per day' of service") : .ok
        } _: { harness in
            for number in 0..<10 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.quotaDay])
            // Twelve hours to the reset.
            await harness.pass(.seconds(43_000))
            #expect(harness.photos.calls.count == 1)
            isSpent.withLock { $0 = false }
            await harness.advance(for: .seconds(1_200)) { harness.resultCount == 10 }
            #expect(harness.resultCount == 10 && harness.results.allSatisfy { $0.attempts == 0 })
        }
    }

    /// The quota may have been raised: an operator who says so is believed as far as one call.
    @Test func aProbeOfASpentDayMakesACall() async throws {
        var options = Harness.Options()
        options.perDay = 1000
        let isSpent = Lock(true)
        try await harness(options) { _ in
            isSpent.withLock { $0 }
                ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for limit 'All requests per day' of service") : .ok
        } _: { harness in
            for number in 0..<10 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.photos.calls.count == 1)
            #expect(harness.pipeline.probe())
            await harness.pass(.seconds(120))
            #expect(harness.photos.calls.count == 2, "one, and it was refused again")
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.quotaDay])
            isSpent.withLock { $0 = false }
            #expect(harness.pipeline.probe())
            await harness.advance(for: .seconds(120)) { harness.resultCount == 10 }
            #expect(harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    /// Those that are admitted at the same time must not take the last calls of the day twice.
    @Test func aDaysShareIsNotExceededByThoseWhoAskTogether() async throws {
        var options = Harness.Options()
        options.perDay = 21
        options.concurrency = 16
        try await harness(options) { _ in
            .ok
        } _: { harness in
            for number in 0..<60 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.advance {
                !harness.pipeline.snapshot.holds.isEmpty && harness.pipeline.snapshot.callsInFlight == 0
            }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.quotaDay])
            #expect(harness.photos.calls.count == 21)
            await harness.advance { harness.resultCount == 60 }
            #expect(
                harness.resultCount == 60 && harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    @Test func aClockThatIsWrongHoldsBeforeTheDayIsBelieved() async throws {
        var options = Harness.Options()
        options.perDay = 1000
        let isWrong = Lock(true)
        try await harness(options) { _ in
            .answered(
                status: 200,
                // The site's clock begins at noon.
                fields: isWrong.withLock { $0 } ? [("Date", "Mon, 23 Nov 2026 10:00:00 GMT")] : [], body: [])
        } _: { harness in
            harness.submit("a", account: "ann")
            harness.submit("b", account: "bob")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.clockSuspect])
            #expect(harness.pipeline.snapshot.holds.first?.detail.contains("10:00:00") == true)
            isWrong.withLock { $0 = false }
            harness.submit("c", account: "cay")
            await harness.advance { harness.resultCount == 3 }
            #expect(harness.pipeline.snapshot.holds.isEmpty)
        }
    }

    /// It may be a cache's, or a gateway's with a clock of its own.
    @Test func oneAnswerWithAnotherTimeIsBelievedByNobody() async throws {
        var options = Harness.Options()
        options.perDay = 1000
        try await harness(options) { call in
            .answered(
                status: 200, fields: call.token == "t-a" ? [("Date", "Mon, 23 Nov 2026 10:00:00 GMT")] : [], body: [])
        } _: { harness in
            harness.submit("a", account: "ann")
            for number in 0..<3 { harness.submit("b\(number)", account: "bob") }
            await harness.advance { harness.resultCount == 4 }
            #expect(harness.pipeline.snapshot.holds.isEmpty)
        }
    }

    @Test func requestsPerSecondAreKept() async throws {
        var options = Harness.Options()
        options.perSecond = 2
        try await harness(options) { _ in
            .ok
        } _: { harness in
            for number in 0..<21 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.advance { harness.resultCount == 21 }
            let took = (harness.clock.now() - MonotonicTime(nanoseconds: 0)).inSeconds
            #expect((9.0...10.5).contains(took), "\(took) s")
        }
    }
}
