import Jobs
import Photos
import PipelineDouble
import Testing
import Threads

@testable import Pipeline

/// What is told of an account that is alone with its failures: with no other account there is no hold to say so.
@Suite struct AccountWaitTests {
    /// `refused ann`, `on ann`: what was told of accounts, with what the API had said.
    private func told(_ site: Site) -> [String] {
        site.events.compactMap { event in
            switch event {
            case .accountWaits(let hold):
                "waits \(hold.account.string) \(hold.cause)\(hold.isFault ? "" : ", its rate")\(hold.detail == nil ? "?" : "")"
            case .accountGoesOn(let resumed): "on \(resumed.account.string) \(resumed.cause)"
            default: nil
            }
        }
    }

    @Test func theOnlyAccountThatIsRefusedIsToldEachTimeItWaitsAndWhenItSucceeds() async throws {
        let isRefused = Lock(false)
        try await site { _ in
            isRefused.withLock { $0 } ? .redirect : .ok
        } _: { site in
            site.submit("good", account: "ann")
            await site.advance { site.resultCount == 1 }
            // Its own success is a while ago, and says nothing of others.
            await site.pass(.seconds(700))
            isRefused.withLock { $0 = true }
            for number in 0..<4 { site.submit("j\(number)", account: "ann") }
            await site.pass(.seconds(3_600))
            #expect(site.pipeline.snapshot.holds.isEmpty && site.resultCount == 1)
            let before = told(site)
            #expect(before.count >= 2 && Set(before) == ["waits ann refused"], "\(before)")
            #expect(site.pipeline.snapshot.heldAccounts["refused"] == 1)
            let hold = try #require(site.pipeline.accountHolds.first)
            #expect(hold.cause == "refused" && hold.detail?.contains("302") == true, "\(hold)")

            isRefused.withLock { $0 = false }
            await site.advance { site.resultCount == 5 }
            #expect(told(site).dropFirst(before.count) == ["on ann refused"])
            #expect(site.pipeline.accountHolds.isEmpty)
        }
    }

    @Test func anotherAccountsCallEndsItsWait() async throws {
        let isRefused = Lock(false)
        try await site { call in
            isRefused.withLock { $0 } && call.bearer.contains("ann") ? .redirect : .ok
        } _: { site in
            site.submit("good", account: "ann")
            await site.advance { site.resultCount == 1 }
            await site.pass(.seconds(700))
            isRefused.withLock { $0 = true }
            for number in 0..<4 { site.submit("j\(number)", account: "ann") }
            await site.advance(for: .seconds(3_600)) { !site.pipeline.accountHolds.isEmpty }
            site.submit("other", account: "bob")
            await site.advance(for: .seconds(60)) { site.resultCount == 2 }
            #expect(told(site).prefix(2) == ["waits ann refused", "on ann refused"], "\(told(site))")
        }
    }

    @Test func theOnlyAccountThatTheServerFailsForIsToldUntilItSucceeds() async throws {
        let isFailing = Lock(true)
        try await site(albums: { _ in isFailing.withLock { $0 } ? .unavailable : .album(joined: true) }) { _ in
            isFailing.withLock { $0 } ? .unavailable : .ok
        } _: { site in
            site.submit("j", account: "ann")
            site.submit("k", account: "ann")
            await site.advance(for: .seconds(3_600)) { !site.pipeline.accountHolds.isEmpty }
            #expect(told(site) == ["waits ann api_unavailable"])
            isFailing.withLock { $0 = false }
            await site.advance(for: .seconds(3_600)) { site.resultCount == 2 }
            #expect(told(site).last == "on ann api_unavailable", "\(told(site))")
        }
    }

    @Test func anAccountThatIsOverItsRateIsToldAndGoesOnByItself() async throws {
        let count = Lock(0)
        try await site { _ in
            let isFirst = count.withLock { count in
                defer { count += 1 }
                return count == 0
            }
            return isFirst ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded: writes per minute per user") : .ok
        } _: { site in
            site.submit("j", account: "ann")
            await site.advance(for: .seconds(3_600)) { site.resultCount == 1 }
            #expect(told(site) == ["waits ann quota_minute, its rate"])
        }
    }
}
