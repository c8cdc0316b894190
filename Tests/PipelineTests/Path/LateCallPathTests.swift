import Clocks
import Concurrency
import Ledger
import Photos
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// Calls that could not begin inside their send window, as jobs meet them.
@Suite struct LateCallPathTests {
    /// As many as open the breaker when no connection is made.
    @Test func someCostNoAttemptAndSayNothingOfTheAPI() async throws {
        try await harness { call in
            call.earlier == 0 ? .tooLate(detail: "over") : .ok
        } _: { harness in
            let names = ["a", "b", "c", "d", "e", "f"]
            for name in names { harness.submit(name, account: "account-\(name)", token: "t-\(name)") }
            await harness.advance { harness.resultCount == names.count }
            #expect(harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
            #expect(harness.photos.calls.count == 2 * names.count)
            #expect(harness.broker.settlements.acks == names.count)
            let day = try await harness.ledger.count(of: "day\(Harness.start.milliseconds / 86_400_000)")
            #expect(day == DayCount(calls: names.count, albumQueries: 0), "what was not sent is given back")
            let isHeld = harness.events.contains { if case .holdsChanged = $0 { true } else { false } }
            #expect(!isHeld)
        }
    }

    @Test("after two late calls of a job, the next has a connection before it is claimed", arguments: [1, 2, 3])
    func warmUp(late: Int) async throws {
        let warmUps = Lock<[Int]>([])
        let photos = Lock<ScriptedPhotos?>(nil)
        try await harness { call in
            warmUps.withLock { $0.append(photos.withLock { $0?.warmUps ?? 0 }) }
            return call.earlier < late ? .tooLate(detail: "over") : .ok
        } _: { harness in
            photos.withLock { $0 = harness.photos }
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.first?.outcome == "left" && harness.results.first?.attempts == 0)
            #expect(warmUps.withLock { $0 } == Array([0, 0, 1, 2].prefix(late + 1)))
        }
        photos.withLock { $0 = nil }
    }

    @Test func fiveInARowHoldTheWorkerAndAProbeMakesItsConnectionFirst() async throws {
        let isSlow = Lock(true)
        try await harness { _ in
            isSlow.withLock { $0 } ? .tooLate(detail: "no connection yet") : .ok
        } _: { harness in
            for name in ["a", "b", "c"] { harness.submit(name, account: "account-\(name)") }
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.apiUnavailable])
            #expect(harness.pipeline.snapshot.holds.first?.detail.contains("inside their send window") == true)
            // Submitted late, so that no late call of its own sends it to the connection.
            await harness.pass(.seconds(600))
            let calls = harness.photos.calls.count
            #expect(calls < 20, "\(calls) calls")
            isSlow.withLock { $0 = false }
            let warmUps = harness.photos.warmUps
            harness.submit("d", account: "account-d")
            await harness.advance { harness.resultCount == 4 }
            #expect(harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
            #expect(harness.photos.warmUps > warmUps)
            #expect(harness.pipeline.snapshot.holds.isEmpty)
        }
    }

    /// A worker that holds because committing its claims takes longer than a send window, until `isSlow` is false.
    private func onASlowLedger(_ body: (Harness, _ isSlow: Lock<Bool>) async throws -> Void) async throws {
        var options = Harness.Options()
        // The embedded one has no window that its commits could use up.
        options.ledger = .memory
        let isSlow = Lock(true)
        try await harness(options) { _ in
            isSlow.withLock { $0 } ? .tooLate(detail: "over") : .ok
        } _: { harness in
            harness.ledger.slowDown(by: .seconds(6))
            harness.submit("a")
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            try await body(harness, isSlow)
        }
    }

    @Test func aLedgerThatCommitsSlowlyHoldsTheWorkerUntilItAnswersInTime() async throws {
        try await onASlowLedger { harness, isSlow in
            func holds() -> [HoldCause] { harness.pipeline.snapshot.holds.map(\.cause) }
            #expect(holds() == [.ledgerUnavailable])
            #expect(harness.pipeline.snapshot.holds.first?.detail.contains("the ledger took most of it") == true)
            let calls = harness.photos.calls.count
            await harness.pass(.seconds(300))
            harness.pipeline.ledgerHealth(.available)
            #expect(holds() == [.ledgerUnavailable], "that it commits it never doubted")
            #expect(harness.photos.calls.count == calls)
            harness.ledger.slowDown(by: .zero)
            isSlow.withLock { $0 = false }
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.first?.outcome == "left" && harness.results.first?.attempts == 0)
            #expect(holds() == [])
        }
    }

    @Test func aLedgerThatIsAwayAsWellHoldsTheWorkerUntilItSaysOtherwise() async throws {
        try await onASlowLedger { harness, isSlow in
            harness.pipeline.ledgerHealth(.unavailable(.unavailable("it is away")))
            harness.ledger.slowDown(by: .zero)
            isSlow.withLock { $0 = false }
            await harness.pass(.seconds(300))
            #expect(harness.pipeline.snapshot.holds.map(\.detail) == ["it is away"])
            #expect(harness.resultCount == 0)
            harness.pipeline.ledgerHealth(.available)
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.pipeline.snapshot.holds.isEmpty)
        }
    }
}
