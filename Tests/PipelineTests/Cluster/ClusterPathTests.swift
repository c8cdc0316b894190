import Clocks
import Concurrency
import Jobs
import Ledger
import Photos
import PipelineHarness
import SharedLedger
import Testing

@testable import Pipeline

/// Three workers under the same holds. A turn to probe is five seconds long.
@Suite(.timeLimit(.minutes(30))) struct ClusterPathTests {
    private static let disabled = Answer.error(
        403, "PERMISSION_DENIED", "Photos Library API has not been used in project 1 before or it is disabled.")

    private static func refusingUntil(_ isMended: Lock<Bool>, taking time: Duration = .milliseconds(50))
        -> ClusterStage.Script
    {
        { _, _, _, clock in
            await clock.sleep(for: time)
            return isMended.withLock { $0 } ? .ok : Self.disabled
        }
    }

    /// Whether two of the calls were under way at once.
    private func overlap(_ calls: some Sequence<ClusterStage.Call>) -> Bool {
        let sorted = calls.sorted { $0.began < $1.began }
        return zip(sorted, sorted.dropFirst()).contains { $0.ended.map { $0 } ?? .seconds(100_000) > $1.began }
    }

    @Test("a refusal of everybody that one meets holds all within a second, and nobody else calls")
    func oneMeetsIt() async {
        let stage = ClusterStage(script: Self.refusingUntil(Lock(false)))
        stage.begin()
        await stage.pass(.seconds(2))
        stage.submit("a", to: 0)
        await stage.advance { !stage.workers[0].holds.isEmpty }
        let met = stage.elapsed
        await stage.advance { stage.holding.allSatisfy { $0 == [.apiDisabled] } }
        #expect(stage.elapsed - met <= .seconds(1))
        for worker in 1...2 { stage.submit("b\(worker)", to: worker) }
        await stage.pass(.seconds(3))
        #expect(stage.allCalls.map(\.account) == ["a"])
        await stage.end()
    }

    @Test("one probe at a time tests a hold of the cluster, and its success is everybody's")
    func oneProbe() async {
        let isMended = Lock(false)
        let stage = ClusterStage(script: Self.refusingUntil(isMended, taking: .seconds(2)))
        stage.begin()
        stage.submit("a", to: 0)
        await stage.advance { stage.holding.allSatisfy { $0 == [.apiDisabled] } }
        for worker in 0..<3 { stage.submit("b\(worker)", "c\(worker)", "d\(worker)", to: worker) }
        await stage.pass(.seconds(400))
        let probes = stage.allCalls
        #expect(probes.count >= 3, "rounds after 5 s, 30 s, 5 min: \(probes)")
        #expect(!overlap(probes))
        #expect(stage.holding.allSatisfy { $0 == [.apiDisabled] })
        isMended.withLock { $0 = true }
        await stage.advance(for: .seconds(3_600)) { stage.results == 10 }
        #expect(stage.results == 10, "\(stage.ended) \(stage.allCalls)")
        await stage.pass(.seconds(2))
        #expect(stage.holding.allSatisfy { $0.isEmpty })
        await stage.end()
    }

    @Test("a prober that hangs lets another have the next turn, and its late success lifts nothing")
    func lostProber() async throws {
        let stage = ClusterStage { worker, _, number, clock in
            switch number {
            case 0: return Self.disabled
            // The first probe.
            case 1:
                await clock.sleep(for: .seconds(20))
                return .ok
            default: return Self.disabled
            }
        }
        stage.begin()
        stage.submit("a", to: 0)
        await stage.advance { stage.holding.allSatisfy { $0 == [.apiDisabled] } }
        for worker in 0..<3 { stage.submit("b\(worker)", "c\(worker)", to: worker) }
        await stage.advance { stage.allCalls.count >= 3 }
        let calls = stage.allCalls
        let (first, second) = (calls[1], calls[2])
        #expect(first.worker != second.worker)
        #expect(second.began - first.began > .seconds(5), "the turn that was renewed for the call")
        #expect(second.began - first.began < .seconds(8))
        await stage.advance { stage.allCalls[1].ended != nil }
        await stage.pass(.seconds(3))
        #expect(stage.results == 1, "the user has left")
        #expect(stage.holding.allSatisfy { $0 == [.apiDisabled] })
        await stage.end()
    }

    @Test("a pause at one stops all within two seconds, also one that starts; any of them ends it")
    func paused() async {
        let stage = ClusterStage { _, _, _, _ in .ok }
        stage.begin(0)
        stage.begin(1)
        await stage.pass(.seconds(3))
        stage.workers[0].pipeline.pause(by: "me")
        #expect(await stage.acknowledgement(at: 0) == .complete)
        stage.submit("c", to: 2)
        stage.begin(2)
        for worker in 0...1 { stage.submit("a\(worker)", to: worker) }
        await stage.pass(.seconds(5))
        #expect(stage.holding.allSatisfy { $0 == [.operatorPaused] })
        #expect(stage.allCalls.isEmpty)
        #expect(stage.workers[2].pipeline.resume(.operatorPaused) == .lifted)
        await stage.advance(for: .seconds(2)) { stage.results == 3 }
        #expect(stage.results == 3 && stage.holding.allSatisfy { $0.isEmpty })
        await stage.end()
    }

    @Test("a member that is cut off from the others holds by what it meets, and says so when it is heard again")
    func cut() async {
        let stage = ClusterStage(script: Self.refusingUntil(Lock(false)))
        stage.begin()
        await stage.pass(.seconds(2))
        stage.workers[0].cluster.cut()
        stage.submit("a", to: 0)
        await stage.pass(.seconds(3))
        #expect(stage.holding == [[.apiDisabled], [], []])
        stage.workers[0].cluster.mend()
        await stage.pass(.seconds(2))
        #expect(stage.holding.allSatisfy { $0 == [.apiDisabled] })
        await stage.end()
    }
}

/// Limits of all together.
@Suite(.timeLimit(.minutes(30))) struct ClusterRateTests {
    /// The most calls that began within any second.
    private func most(_ calls: [ClusterStage.Call]) -> Int {
        calls.map { first in
            calls.count { $0.began >= first.began && $0.began - first.began < .seconds(1) }
        }.max() ?? 0
    }

    @Test("the limit of calls a second is that of all together, also while one joins, and after one has gone")
    func perSecond() async {
        let stage = ClusterStage(3, perSecond: 6) { _, _, _, _ in .ok }
        for worker in 0..<3 {
            for number in 0..<200 { stage.submit("w\(worker)n\(number)", to: worker) }
        }
        stage.begin(0)
        stage.begin(1)
        stage.cluster.noteEnd(of: stage.workers[2].cluster)
        await stage.pass(.seconds(20))
        let two = stage.allCalls
        // What was not used of one second may be used in the next, once.
        #expect(most(two) <= 14)
        #expect(two.count >= 90 && two.count <= 128, "\(two.count)")
        #expect(abs(two.count { $0.worker == 0 } - two.count { $0.worker == 1 }) <= 16)
        stage.cluster.noteEnd(of: stage.workers[1].cluster)
        let before = stage.elapsed
        await stage.pass(.seconds(20))
        let alone = stage.allCalls.filter { $0.began > before + .seconds(3) && $0.worker == 0 }
        #expect(alone.count >= 80, "\(alone.count)")
        await stage.end()
    }
}
