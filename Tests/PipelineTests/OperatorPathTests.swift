import JSON
import Jobs
import Photos
import PipelineDouble
import Testing
import Threads

@testable import Pipeline

/// What becomes of jobs while an operator pauses, probes and cancels.
@Suite struct OperatorPathTests {
    @Test func aPausedWorkerKeepsItsJobsAndAPausedAccountOnlyItsOwn() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.pipeline.pause(account: AccountID("ann"))
            site.submit("a", account: "ann")
            site.submit("b", account: "bob")
            await site.pass(.seconds(300))
            #expect(site.results.map { $0.json["jobId"]?.text } == ["b"])
            #expect(site.pipeline.resume(account: AccountID("ann")))
            await site.advance(for: .seconds(700)) { site.results.count == 2 }
            #expect(site.results.count == 2)

            site.pipeline.pause(by: "me")
            site.submit("c", account: "cay")
            await site.pass(.seconds(300))
            #expect(site.results.count == 2)
            #expect(site.pipeline.resume(.brokerBlocked) == .none)
            #expect(site.pipeline.resume(.operatorPaused) == .lifted)
            await site.advance(for: .seconds(5)) { site.results.count == 3 }
            #expect(site.results.count == 3)
        }
    }

    @Test func aProbeBeforeItsTimeLiftsAHold() async throws {
        let isBroken = Lock(true)
        try await site { _ in
            isBroken.withLock { $0 } ? .redirect : .ok
        } _: { site in
            site.submit("a")
            await site.advance { !site.pipeline.snapshot.holds.isEmpty }
            isBroken.withLock { $0 = false }
            #expect(site.pipeline.probe())
            // The only job there is waits until others would have been tried.
            await site.advance(for: .seconds(120)) { site.results.count == 1 }
            #expect(site.results.count == 1)
            #expect(!site.pipeline.probe())
        }
    }

    @Test func aCancelledJobEndsWithoutACallEvenIfItComesLater() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.broker.put(Array(#"{"version":1,"jobId":"a"}"#.utf8), into: "cancel")
            await site.pass(.seconds(1))
            #expect(site.results.isEmpty && site.broker.waiting == 0)
            site.submit("a")
            await site.advance { site.results.count == 1 }
            #expect(site.results.first?.reason == "cancelled")
            #expect(site.results.first?.effect == "not_left")
            #expect(site.photos.calls.isEmpty)
            // One that has ended keeps its result.
            site.submit("b")
            await site.advance { site.results.count == 2 }
            site.broker.put(Array(#"{"jobId":"b"}"#.utf8), into: "cancel")
            site.submit("b")
            await site.advance { site.results.count == 3 }
            #expect(site.results.last?.outcome == "left")
        }
    }

    @Test func theCanaryTestsAHoldBeforeAllOthers() async throws {
        let isBroken = Lock(true)
        var options = Site.Options()
        options.canary = "bird"
        try await site(options) { _ in
            isBroken.withLock { $0 } ? .answered(status: 429, fields: [], body: []) : .ok
        } _: { site in
            for number in 0..<3 { site.submit("j\(number)", account: "a\(number)") }
            site.submit("tweet", account: "bird")
            await site.advance { !site.pipeline.snapshot.holds.isEmpty }
            // A hold of under a minute keeps its deliveries, so that all are in hand.
            let before = site.photos.calls.count
            isBroken.withLock { $0 = false }
            #expect(site.pipeline.probe())
            await site.advance { site.photos.calls.count > before }
            #expect(site.photos.calls[before].token == "t-tweet")
            await site.advance { site.resultCount == 4 }
        }
    }

    /// It may be the one job at fault.
    @Test func aCanaryThatFailsKeepsNobodyWaiting() async throws {
        var options = Site.Options()
        options.canary = "bird"
        options.concurrency = 1
        try await site(options) { call in
            call.token == "t-tweet" ? .redirect : .ok
        } _: { site in
            site.submit("tweet", account: "bird")
            await site.advance { !site.pipeline.snapshot.holds.isEmpty }
            await site.pass(.seconds(600))
            for number in 0..<3 { site.submit("j\(number)", account: "a\(number)") }
            await site.advance(for: .seconds(3_600)) { site.resultCount == 4 }
            #expect(site.results.count { $0.outcome == "left" } == 3)
            #expect(site.results.count { $0.reason == "unexpected_status" } == 1)
        }
    }

    /// A round waits for its first job, and a pause comes.
    @Test func whatIsPausedTestsNoHold() async throws {
        let isBroken = Lock(true)
        try await site { _ in
            isBroken.withLock { $0 } ? .redirect : .ok
        } _: { site in
            site.submit("a")
            await site.advance { !site.pipeline.snapshot.holds.isEmpty }
            await site.pass(.seconds(20))
            site.pipeline.pause(by: "me")
            isBroken.withLock { $0 = false }
            let calls = site.photos.calls.count
            site.submit("b", account: "bob")
            await site.pass(.seconds(7_200))
            #expect(site.photos.calls.count == calls && site.results.isEmpty)
            #expect(site.pipeline.resume(.operatorPaused) == .lifted)
            await site.advance(for: .seconds(300)) { site.resultCount == 2 }
            #expect(site.results.allSatisfy { $0.outcome == "left" })
        }
    }

    /// Their deliveries have the few places that a round has.
    @Test func aPausedAccountsBacklogKeepsNoHoldFromBeingTested() async throws {
        let isBroken = Lock(true)
        var options = Site.Options()
        options.prefetch = 8
        try await site(options) { _ in
            isBroken.withLock { $0 } ? .redirect : .ok
        } _: { site in
            site.submit("first", account: "zoe")
            await site.advance { !site.pipeline.snapshot.holds.isEmpty }
            await site.pass(.seconds(600))
            #expect(site.broker.consumption == .nothing)
            site.pipeline.pause(account: AccountID("ann"))
            for number in 0..<300 { site.submit("a\(number)", account: "ann") }
            site.submit("good", account: "bob")
            isBroken.withLock { $0 = false }
            #expect(site.pipeline.probe())
            await site.advance(for: .seconds(120)) { site.pipeline.snapshot.holds.isEmpty }
            #expect(site.pipeline.snapshot.holds.isEmpty)
        }
    }

    @Test func aCancelIsHandedBackToWhereItCameFrom() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.ledger.refuse()
            site.broker.put(Array(#"{"jobId":"a"}"#.utf8), into: "cancel")
            await site.pass(.seconds(2))
            // A hold that lasts gives back what is in hand, as on `pause`.
            site.pipeline.pause(by: "me")
            await site.pass(.seconds(2))
            #expect(site.broker.count("due") == 0 && site.results.isEmpty)
            site.ledger.accept()
            #expect(site.pipeline.resume(.operatorPaused) == .lifted)
            await site.pass(.seconds(5))
            site.submit("a")
            await site.advance { site.resultCount == 1 }
            #expect(site.results.first?.reason == "cancelled")
        }
    }
}
