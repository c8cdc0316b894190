import Clocks
import Concurrency
import Jobs
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// What is told of an account that is alone with its failures: with no other account there is no hold to say so.
@Suite struct AccountWaitTests {
    /// `refused ann`, `on ann`: what was told of accounts, with what the API had said.
    private func reported(_ harness: Harness) -> [String] {
        harness.events.compactMap { event in
            switch event {
            case .accountWaits(let hold):
                "waits \(hold.account.string) \(hold.cause)\(hold.isFault ? "" : ", its rate")\(hold.detail == nil ? "?" : "")"
            case .accountGoesOn(let resumed): "on \(resumed.account.string) \(resumed.cause)"
            default: nil
            }
        }
    }

    @Test func theOnlyAccountThatIsRefusedIsReportedEachTimeItWaitsAndWhenItSucceeds() async throws {
        let isRefused = Lock(false)
        try await harness { _ in
            isRefused.withLock { $0 } ? .redirect : .ok
        } _: { harness in
            harness.submit("good", account: "ann")
            await harness.advance { harness.resultCount == 1 }
            // Its own success is a while ago, and says nothing of others.
            await harness.pass(.seconds(700))
            isRefused.withLock { $0 = true }
            for number in 0..<4 { harness.submit("j\(number)", account: "ann") }
            await harness.pass(.seconds(3_600))
            #expect(harness.pipeline.snapshot.holds.isEmpty && harness.resultCount == 1)
            let before = reported(harness)
            #expect(before.count >= 2 && Set(before) == ["waits ann refused"], "\(before)")
            #expect(harness.pipeline.snapshot.heldAccounts["refused"] == 1)
            let hold = try #require(harness.pipeline.accountHolds.first)
            #expect(hold.cause == "refused" && hold.detail?.contains("302") == true, "\(hold)")

            isRefused.withLock { $0 = false }
            await harness.advance { harness.resultCount == 5 }
            #expect(reported(harness).dropFirst(before.count) == ["on ann refused"])
            #expect(harness.pipeline.accountHolds.isEmpty)
        }
    }

    @Test func anotherAccountsCallEndsItsWait() async throws {
        let isRefused = Lock(false)
        try await harness { call in
            isRefused.withLock { $0 } && call.bearer.contains("ann") ? .redirect : .ok
        } _: { harness in
            harness.submit("good", account: "ann")
            await harness.advance { harness.resultCount == 1 }
            await harness.pass(.seconds(700))
            isRefused.withLock { $0 = true }
            for number in 0..<4 { harness.submit("j\(number)", account: "ann") }
            await harness.advance(for: .seconds(3_600)) { !harness.pipeline.accountHolds.isEmpty }
            harness.submit("other", account: "bob")
            await harness.advance(for: .seconds(60)) { harness.resultCount == 2 }
            #expect(reported(harness).prefix(2) == ["waits ann refused", "on ann refused"], "\(reported(harness))")
        }
    }

    @Test func theOnlyAccountThatTheServerFailsForIsReportedUntilItSucceeds() async throws {
        let isFailing = Lock(true)
        try await harness(albums: { _ in isFailing.withLock { $0 } ? .unavailable : .album(joined: true) }) { _ in
            isFailing.withLock { $0 } ? .unavailable : .ok
        } _: { harness in
            harness.submit("j", account: "ann")
            harness.submit("k", account: "ann")
            await harness.advance(for: .seconds(3_600)) { !harness.pipeline.accountHolds.isEmpty }
            #expect(reported(harness) == ["waits ann api_unavailable"])
            isFailing.withLock { $0 = false }
            await harness.advance(for: .seconds(3_600)) { harness.resultCount == 2 }
            #expect(reported(harness).last == "on ann api_unavailable", "\(reported(harness))")
        }
    }

    @Test func anAccountThatIsOverItsRateIsReportedAndGoesOnByItself() async throws {
        let count = Lock(0)
        try await harness { _ in
            let isFirst = count.withLock { count in
                defer { count += 1 }
                return count == 0
            }
            return isFirst ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded: writes per minute per user") : .ok
        } _: { harness in
            harness.submit("j", account: "ann")
            await harness.advance(for: .seconds(3_600)) { harness.resultCount == 1 }
            #expect(reported(harness) == ["waits ann quota_minute, its rate"])
        }
    }
}
