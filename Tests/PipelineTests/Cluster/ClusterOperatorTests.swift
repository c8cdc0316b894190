import Clocks
import Concurrency
import Jobs
import Ledger
import Photos
import PipelineHarness
import SharedLedger
import Testing

@testable import Pipeline

/// Three workers, and what an operator says at one of them.
@Suite(.timeLimit(.minutes(10))) struct ClusterOperatorTests {
    private func begun() async -> ClusterStage {
        let stage = ClusterStage { _, _, _, _ in .ok }
        stage.begin()
        await stage.pass(.seconds(3))
        return stage
    }

    @Test("whoever hears nothing of the others is named after two seconds")
    func lacking() async {
        let stage = await begun()
        stage.workers[2].cluster.cut()
        stage.workers[0].pipeline.pause(by: "me")
        let before = stage.elapsed
        #expect(await stage.acknowledgement(at: 0) == .lacking([MemberIdentity(name: "m3", epoch: 3)]))
        #expect(stage.elapsed - before <= .seconds(3))
        #expect(stage.holding == [[.operatorPaused], [.operatorPaused], []])
        stage.workers[2].cluster.mend()
        #expect(await stage.acknowledgement(at: 0) == .complete)
        #expect(stage.holding.allSatisfy { $0 == [.operatorPaused] })
        await stage.end()
    }

    @Test("a member that is cut off itself works by the word, and says that nobody else can know it")
    func unwritten() async {
        let stage = await begun()
        stage.workers[0].cluster.cut()
        stage.workers[0].pipeline.pause(by: "me")
        #expect(await stage.acknowledgement(at: 0) == .unwritten)
        #expect(stage.holding == [[.operatorPaused], [], []])
        stage.workers[0].cluster.mend()
        await stage.pass(.seconds(3))
        #expect(await stage.acknowledgement(at: 1) == .complete)
        #expect(stage.holding.allSatisfy { $0 == [.operatorPaused] })
        await stage.end()
    }

    @Test("a member that has ended is not waited for, nor one that takes no jobs yet")
    func gone() async {
        let stage = ClusterStage { _, _, _, _ in .ok }
        stage.begin(0)
        stage.begin(1)
        await stage.pass(.seconds(3))
        stage.workers[1].cluster.cut()
        stage.cluster.noteEnd(of: stage.workers[1].cluster)
        stage.workers[0].pipeline.pause(by: "me")
        #expect(await stage.acknowledgement(at: 0) == .complete)
        stage.submit("c", to: 2)
        stage.begin(2)
        await stage.pass(.seconds(3))
        #expect(stage.allCalls.isEmpty)
        await stage.end()
    }

    @Test("an account that is paused at one member is called for by none, also by one that starts; any lets it go on")
    func account() async {
        let stage = ClusterStage { _, _, _, _ in .ok }
        let ann = AccountID("ann")
        stage.begin(0)
        stage.begin(1)
        await stage.pass(.seconds(3))
        stage.workers[0].pipeline.pause(account: ann)
        #expect(await stage.acknowledgement(at: 0) == .complete)
        #expect(stage.cluster.shared.pausedAccounts == [ann])
        stage.submit("ann", "bob", to: 1)
        stage.submit("ann", "cay", to: 2)
        stage.begin(2)
        await stage.pass(.seconds(60))
        #expect(Set(stage.allCalls.map(\.account)) == ["bob", "cay"])
        #expect(stage.workers[1].pipeline.accountHolds.map(\.cause) == ["operator_paused"])
        #expect(stage.workers[2].pipeline.resume(account: ann))
        #expect(await stage.acknowledgement(at: 2) == .complete)
        await stage.advance(for: .seconds(1_200)) { stage.allCalls.contains { $0.account == "ann" } }
        #expect(stage.workers.allSatisfy { $0.pipeline.accountHolds.isEmpty })
        #expect(!stage.workers[0].pipeline.resume(account: ann))
        await stage.end()
    }
}
