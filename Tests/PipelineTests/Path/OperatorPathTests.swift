import Clocks
import Concurrency
import JSON
import Photos
import Pipeline
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// What becomes of jobs while an operator pauses, probes and cancels.
@Suite struct OperatorPathTests {
    @Test func aPausedWorkerKeepsItsJobsAndAPausedAccountOnlyItsOwn() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.pipeline.pause(account: AccountID("ann"))
            harness.submit("a", account: "ann")
            harness.submit("b", account: "bob")
            await harness.pass(.seconds(300))
            #expect(harness.results.map { $0.json["jobId"]?.text } == ["b"])
            #expect(harness.pipeline.resume(account: AccountID("ann")))
            await harness.advance(for: .seconds(700)) { harness.resultCount == 2 }
            #expect(harness.resultCount == 2)

            harness.pipeline.pause(by: "me")
            harness.submit("c", account: "cay")
            await harness.pass(.seconds(300))
            #expect(harness.resultCount == 2)
            #expect(harness.pipeline.resume(.brokerBlocked) == .none)
            #expect(harness.pipeline.resume(.operatorPaused) == .lifted)
            await harness.advance(for: .seconds(5)) { harness.resultCount == 3 }
            #expect(harness.resultCount == 3)
        }
    }

    @Test func aProbeBeforeItsTimeLiftsAHold() async throws {
        let isBroken = Lock(true)
        try await harness { _ in
            isBroken.withLock { $0 } ? .redirect : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            isBroken.withLock { $0 = false }
            #expect(harness.pipeline.probe())
            // The only job there is waits until others would have been tried.
            await harness.advance(for: .seconds(120)) { harness.resultCount == 1 }
            #expect(harness.resultCount == 1)
            #expect(!harness.pipeline.probe())
        }
    }

    @Test func aCancelledJobEndsWithoutACallEvenIfItComesLater() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.broker.put(Array(#"{"version":1,"jobId":"a"}"#.utf8), into: "cancel")
            await harness.pass(.seconds(1))
            #expect(harness.resultCount == 0 && harness.broker.waiting == 0)
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.first?.reason == "cancelled")
            #expect(harness.results.first?.effect == "not_left")
            #expect(harness.photos.calls.isEmpty)
            // One that has ended keeps its result.
            harness.submit("b")
            await harness.advance { harness.resultCount == 2 }
            harness.broker.put(Array(#"{"jobId":"b"}"#.utf8), into: "cancel")
            harness.submit("b")
            await harness.advance { harness.resultCount == 3 }
            #expect(harness.results.last?.outcome == "left")
        }
    }

    @Test func theCanaryTestsAHoldBeforeAllOthers() async throws {
        let isBroken = Lock(true)
        var options = Harness.Options()
        options.canary = "bird"
        try await harness(options) { _ in
            isBroken.withLock { $0 } ? .answered(status: 429, fields: [], body: []) : .ok
        } _: { harness in
            for number in 0..<3 { harness.submit("j\(number)", account: "a\(number)") }
            harness.submit("tweet", account: "bird")
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            // A hold of under a minute keeps its deliveries, so that all are in hand.
            let before = harness.photos.calls.count
            isBroken.withLock { $0 = false }
            #expect(harness.pipeline.probe())
            await harness.advance { harness.photos.calls.count > before }
            #expect(harness.photos.calls[before].token == "t-tweet")
            await harness.advance { harness.resultCount == 4 }
        }
    }

    /// It may be the one job at fault.
    @Test func aCanaryThatFailsKeepsNobodyWaiting() async throws {
        var options = Harness.Options()
        options.canary = "bird"
        options.concurrency = 1
        try await harness(options) { call in
            call.token == "t-tweet" ? .redirect : .ok
        } _: { harness in
            harness.submit("tweet", account: "bird")
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            await harness.pass(.seconds(600))
            for number in 0..<3 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.advance(for: .seconds(3_600)) { harness.resultCount == 4 }
            #expect(harness.results.count { $0.outcome == "left" } == 3)
            #expect(harness.results.count { $0.reason == "unexpected_status" } == 1)
        }
    }

    /// A round waits for its first job, and a pause comes.
    @Test func whatIsPausedTestsNoHold() async throws {
        let isBroken = Lock(true)
        try await harness { _ in
            isBroken.withLock { $0 } ? .redirect : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            await harness.pass(.seconds(20))
            harness.pipeline.pause(by: "me")
            isBroken.withLock { $0 = false }
            let calls = harness.photos.calls.count
            harness.submit("b", account: "bob")
            await harness.pass(.seconds(7_200))
            #expect(harness.photos.calls.count == calls && harness.resultCount == 0)
            #expect(harness.pipeline.resume(.operatorPaused) == .lifted)
            await harness.advance(for: .seconds(300)) { harness.resultCount == 2 }
            #expect(harness.results.allSatisfy { $0.outcome == "left" })
        }
    }

    /// Their deliveries have the few places that a round has.
    @Test func aPausedAccountsBacklogKeepsNoHoldFromBeingTested() async throws {
        let isBroken = Lock(true)
        var options = Harness.Options()
        options.prefetch = 8
        try await harness(options) { _ in
            isBroken.withLock { $0 } ? .redirect : .ok
        } _: { harness in
            harness.submit("first", account: "zoe")
            await harness.advance { !harness.pipeline.snapshot.holds.isEmpty }
            await harness.pass(.seconds(600))
            #expect(harness.broker.consumption == .nothing)
            harness.pipeline.pause(account: AccountID("ann"))
            for number in 0..<300 { harness.submit("a\(number)", account: "ann") }
            harness.submit("good", account: "bob")
            isBroken.withLock { $0 = false }
            #expect(harness.pipeline.probe())
            await harness.advance(for: .seconds(120)) { harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.pipeline.snapshot.holds.isEmpty)
        }
    }

    @Test func aCancelIsHandedBackToWhereItCameFrom() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.ledger.refuse()
            harness.broker.put(Array(#"{"jobId":"a"}"#.utf8), into: "cancel")
            await harness.pass(.seconds(2))
            // A hold that lasts gives back what is in hand, as on `pause`.
            harness.pipeline.pause(by: "me")
            await harness.pass(.seconds(2))
            #expect(harness.broker.count("due") == 0 && harness.resultCount == 0)
            harness.ledger.accept()
            #expect(harness.pipeline.resume(.operatorPaused) == .lifted)
            await harness.pass(.seconds(5))
            harness.submit("a")
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.first?.reason == "cancelled")
        }
    }
}
