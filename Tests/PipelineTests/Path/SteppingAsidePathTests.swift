import AMQP
import Clocks
import Concurrency
import Ledger
import Photos
import PipelineHarness
import SQLiteLedger
import Testing

@testable import Jobs
@testable import Pipeline

/// What steps aside costs nothing, is told once and is never lost.
@Suite struct SteppingAsidePathTests {
    private func askToWait(_ seconds: Int) -> Answer {
        .error(503, "UNAVAILABLE", fields: [("Retry-After", "\(seconds)")])
    }

    private func parkings(_ harness: Harness) -> Int {
        harness.events.count { if case .parked = $0 { true } else { false } }
    }

    private func moves(_ harness: Harness) -> [StepAside] {
        harness.events.compactMap { if case .steppedAside(let copy) = $0 { copy.cause } else { nil } }
    }

    private func report(_ harness: Harness) async throws -> OpenJob? {
        guard case .open(let open, _)? = try await harness.ledger.kept.history(of: JobID("a"))?.state else {
            return nil
        }
        return open
    }

    @Test(.enabled(if: HarnessLedger.Kind.ofTheRun.keepsAll)) func aWaitLongerThanTheLongestQueueIsParkedOnce()
        async throws
    {
        var options = Harness.Options()
        options.delays = [.seconds(10)]
        try await harness(options) { call in
            call.earlier == 0 ? askToWait(300) : .ok
        } _: { harness in
            let start = harness.clock.now()
            harness.submit("a")
            await harness.advance(for: .seconds(150)) { parkings(harness) == 1 }
            let due = try #require(try await report(harness)?.due)
            await harness.advance(for: .seconds(150)) { moves(harness).count == 20 }
            // The same copy, of the same number and for the same time, in the broker as in the ledger.
            let open = try #require(try await report(harness))
            #expect(open.copy == 1 && open.attempts == 1 && open.due == due)
            let copy = harness.broker.messages("retry.10s").first
            #expect(copy?.properties.headers?["x-leave-album-copy"] == .integer(1))
            #expect(copy?.properties.headers?["x-leave-album-attempt"] == .integer(1))
            #expect(copy?.properties.headers?["x-leave-album-not-before"] == .integer(due.milliseconds))
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.clock.now() - start >= .seconds(300) && harness.clock.now() - start < .seconds(301))
            #expect(parkings(harness) == 1)
            #expect(moves(harness) == Array(repeating: .early, count: 24), "the last of it waits in hand")
            #expect(harness.results.map(\.attempts) == [1] && harness.photos.calls.count == 2)
            #expect(harness.broker.settlements.nacks == 0)
        }
    }

    /// Called in a hold and out of the way: the ledger knows of it, so that it is not lost unseen with its queue.
    @Test(.enabled(if: HarnessLedger.Kind.ofTheRun.keepsAll))
    func whatWasCalledAndSteppedAsideInAHoldIsReportedLostIfItNeverComes() async throws {
        let isUp = Lock(false)
        try await harness { _ in
            isUp.withLock { $0 } ? .ok : .redirect
        } _: { harness in
            harness.submit("a")
            await harness.advance { moves(harness) == [.hold] }
            let queues = ["retry.5s", "retry.30s", "retry.120s"]
            let queue = try #require(queues.first { !harness.broker.messages($0).isEmpty })
            let due = try #require(try await report(harness)?.due)
            let copy = harness.broker.messages(queue).first
            #expect(copy?.properties.headers?["x-leave-album-not-before"] == .integer(due.milliseconds))
            #expect(copy?.properties.headers?["x-leave-album-copy"] == .integer(0), "the same copy")
            harness.broker.purge(queue)
            isUp.withLock { $0 = true }
            harness.submit("b", account: "bob")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.outcome) == ["left"])
            await harness.advance(for: .seconds(3_600)) { harness.resultCount == 2 }
            #expect(harness.results.map(\.reason) == [nil, "job_lost"])
        }
    }

    /// On `due` it would be back at once, thousands of times a second.
    @Test func aWaitThatNoQueueIsShortEnoughForIsWaitedForInFlight() async throws {
        var options = Harness.Options()
        options.delays = [.seconds(180)]
        try await harness(options) { call in
            call.earlier == 0 ? askToWait(290) : .ok
        } _: { harness in
            let start = harness.clock.now()
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.clock.now() - start >= .seconds(290) && harness.clock.now() - start < .seconds(291))
            #expect(moves(harness).isEmpty)
            #expect(harness.broker.published == 2, "the copy and the result")
        }
    }

    /// Its copy is not lost, however long the account has no turn for it: the ledger knows when it comes.
    @Test(.enabled(if: HarnessLedger.Kind.ofTheRun.keepsAll))
    func aParkedJobWhoseAccountHasNoTurnForHoursIsNotReportedLost() async throws {
        try await harness { call in
            call.earlier < 2 ? .unavailable : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { parkings(harness) == 1 }
            harness.pipeline.pause(account: AccountID("ann"))
            await harness.pass(.seconds(3 * 3_600))
            #expect(harness.resultCount == 0 && parkings(harness) == 1)
            let all = moves(harness)
            #expect(all.count > 5 && all.allSatisfy { $0 == .turn })
            let open = try #require(try await report(harness))
            #expect(open.copy == 1 && open.attempts == 2)
            // A publisher that sends it again gets no second one into the worker's hands.
            harness.submit("a")
            await harness.pass(.seconds(60))
            #expect(harness.photos.calls.count == 2 && moves(harness).count <= all.count + 1)
            #expect(harness.pipeline.resume(account: AccountID("ann")))
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.outcome) == ["left"] && harness.photos.calls.count == 3)
            #expect(!harness.events.contains { if case .overdue = $0 { true } else { false } })
        }
    }

    /// The broker has it twice if the worker dies between the confirm and the ack: the second finds what the first did.
    @Test func aCopyThatIsThereTwiceIsCalledOnce() async throws {
        var options = Harness.Options()
        options.perMinute = 1
        try await harness(options) { _ in
            .ok
        } _: { harness in
            harness.submit("first")
            harness.submit("a")
            await harness.advance { !moves(harness).isEmpty }
            let copy = try #require(
                harness.broker.newest("retry.5s", 1).first ?? harness.broker.newest("retry.30s", 1).first)
            harness.broker.put(copy.body, into: "due", properties: copy.properties)
            await harness.advance { harness.resultCount == 3 }
            #expect(harness.photos.calls.count == 2 && harness.results.count(where: \.isReplayed) == 1)
        }
    }

    @Test func whoStepsAsideEndsAtItsDeadline() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.pipeline.pause(account: AccountID("ann"))
            let deadline = harness.clock.wall() + .seconds(200)
            harness.submit("a", more: #","deadline":"\#(deadline.rfc3339)""#)
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.map(\.reason) == ["deadline_exceeded"])
            #expect(
                harness.clock.wall() - deadline <= .seconds(60), "a minute in hand, and not when its turn would come")
        }
    }

    @Test func massJobsThatHaveHadTheirShareKeepTheirNumber() async throws {
        var options = Harness.Options()
        options.perDay = 100
        options.pace = .even
        try await harness(options) { _ in
            .ok
        } _: { harness in
            for number in 0..<80 { harness.submit("b\(number)", account: "c\(number)", lane: "bulk") }
            await harness.advance(for: .seconds(4 * 3_600)) { moves(harness).contains(.share) }
            #expect(moves(harness).contains(.share) && parkings(harness) == 0)
            let rows = try await harness.ledger.statistics().entries
            #expect(rows == harness.photos.calls.count, "who has not called has no row")
        }
    }
}
