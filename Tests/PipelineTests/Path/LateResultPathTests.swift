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

/// Results that cannot be recorded or published at once, and copies that never come back.
@Suite struct LateResultPathTests {
    @Test func aLedgerThatRefusesAfterTheYesCommitsItFirstWhenItIsBack() async throws {
        let refuse = Lock<(@Sendable () -> Void)?>(nil)
        try await harness { _ in
            refuse.withLock { $0 }?()
            return .ok
        } _: { harness in
            refuse.withLock { $0 = { [ledger = harness.ledger] in ledger.refuse() } }
            harness.submit("a")
            await harness.advance(for: .seconds(1)) { harness.photos.calls.count == 1 }
            // A redelivery follows the job in hand.
            harness.submit("a")
            await harness.activity.settle()
            #expect(harness.resultCount == 0)
            harness.ledger.accept()
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.map(\.outcome) == ["left", "left"])
            #expect(harness.photos.calls.count == 1)
        }
    }

    @Test func aMissingResultsQueueHoldsTheWorkerAndTheResultComesLater() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.broker.answer { publication in
                publication.exchange.hasSuffix(".results") ? .unroutable(code: 312, text: "NO_ROUTE") : .confirmed
            }
            harness.submit("a")
            await harness.advance(for: .seconds(2)) { !harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.resultsUnroutable])
            #expect(harness.broker.unacked == 1)
            harness.broker.answer(with: nil)
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.pipeline.snapshot.holds.isEmpty)
            #expect(harness.photos.calls.count == 1)
        }
    }

    @Test func aCopyThatNeverComesEndsAsJobLost() async throws {
        try await harness { _ in
            .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            harness.broker.purge("retry.5s")
            await harness.advance(for: .seconds(3_600)) { harness.resultCount > 0 }
            #expect(harness.results.map(\.reason) == ["job_lost"])
            #expect(harness.results.first?.effect == "unknown")
        }
    }

    /// It has left `due` and is on its way, or has stepped aside, in the moment of a look.
    @Test func aCopyThatOneLookMissesIsNotLost() async throws {
        let isUp = Lock(false)
        try await harness { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            let copy = try #require(harness.broker.messages("retry.5s").first)
            harness.broker.purge("retry.5s")
            // The sweep looks each minute, and misses it at the first look after 15 of them.
            await harness.pass(.seconds(980))
            #expect(harness.resultCount == 0)
            isUp.withLock { $0 = true }
            harness.broker.put(copy.body, into: "due", properties: copy.properties)
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
        }
    }

    @Test func aClockThatIsSetForwardLosesNoJobWhoseCopyIsOnItsWay() async throws {
        let isUp = Lock(false)
        try await harness { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { !harness.broker.messages("retry.600s").isEmpty }
            isUp.withLock { $0 = true }
            // An hour of consuming, so that only the clock is in doubt.
            harness.clock.setForward(by: .seconds(7_200))
            await harness.pass(.seconds(120))
            #expect(harness.resultCount == 0)
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
        }
    }

    @Test func aCopyThatIsLostBesideAStepOfTheClockIsReportedAfterIt() async throws {
        try await harness { _ in
            .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { !harness.broker.messages("retry.5s").isEmpty }
            harness.broker.purge("retry.5s")
            harness.clock.setForward(by: .seconds(1_800))
            await harness.advance(for: .seconds(1_700)) { harness.resultCount > 0 }
            #expect(harness.resultCount == 0)
            await harness.advance(for: .seconds(3_600)) { harness.resultCount > 0 }
            #expect(harness.results.map(\.reason) == ["job_lost"])
        }
    }
}
