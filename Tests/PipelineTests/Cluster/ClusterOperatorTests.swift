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
@Suite(.timeLimit(.minutes(30))) struct ClusterOperatorTests {
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

    @Test("a member that is paused by its name takes no job, nor does one that begins under it, and the others go on")
    func member() async {
        let stage = ClusterStage { _, _, _, _ in .ok }
        stage.begin(0)
        stage.begin(1)
        await stage.pass(.seconds(3))
        // The second is paused while it works, the third before it begins.
        stage.workers[0].pipeline.pause(member: "m2", by: "me")
        stage.workers[0].pipeline.pause(member: "m3", by: "me")
        #expect(await stage.acknowledgement(at: 0, of: "m2") == .complete)
        #expect(await stage.acknowledgement(at: 0, of: "m3") == .complete, "nobody bears it yet")
        for worker in 0..<3 { stage.submit("a\(worker)", to: worker) }
        stage.begin(2)
        await stage.pass(.seconds(60))
        #expect(stage.allCalls.map(\.worker) == [0])
        #expect(stage.holding == [[], [.memberPaused], [.memberPaused]])
        #expect(stage.workers[2].pipeline.resume(member: "m2"))
        #expect(await stage.acknowledgement(at: 2, of: "m2") == .complete)
        #expect(stage.workers[2].pipeline.resume(.memberPaused) == .lifted, "that is its own name")
        await stage.advance(for: .seconds(10)) { stage.results == 3 && stage.holding.allSatisfy(\.isEmpty) }
        #expect(stage.ended == ["j-a0", "j-a1", "j-a2"] && stage.holding.allSatisfy(\.isEmpty))
        await stage.end()
    }

    @Test("for a pause of one name its own word is waited for, and no other's")
    func lackingOne() async {
        let stage = await begun()
        stage.workers[1].cluster.cut()
        stage.workers[0].pipeline.pause(member: "m3", by: "me")
        #expect(await stage.acknowledgement(at: 0, of: "m3") == .complete)
        stage.workers[0].pipeline.pause(member: "m2", by: "me")
        #expect(
            await stage.acknowledgement(at: 0, of: "m2") == .lacking([MemberIdentity(name: "m2", epoch: 2)]))
        stage.workers[1].cluster.mend()
        #expect(await stage.acknowledgement(at: 0, of: "m2") == .complete)
        #expect(stage.holding == [[], [.memberPaused], [.memberPaused]])
        await stage.end()
    }

    @Test("a member that is paused alone leaves the sweep to another one")
    func pausedSweeper() async {
        let stage = await begun()
        await stage.pass(.seconds(70))
        let first = stage.workers.firstIndex { $0.cluster.changes.contains(.take(.sweep)) } ?? 0
        stage.workers[first].pipeline.pause(member: stage.workers[first].cluster.name, by: "me")
        await stage.pass(.seconds(400))
        let holder = stage.cluster.shared.duties[.sweep]?.member
        #expect(holder != nil && holder != stage.workers[first].cluster.epoch)
        await stage.end()
    }

    // MARK: One sweep

    private static let delays = ["1s", "2s", "10s", "60s", "600s"]

    @Test("what a member that has ended left unpublished is published by one of the others, once")
    func leftResults() async {
        let stage = await begun()
        for number in 0..<5 {
            let body = Array(#"{"jobId":"j-\#(number)"}"#.utf8)
            stage.jobs.leave(
                StoredResult(
                    messageID: "j-\(number)#0", outcome: .left, reason: nil, body: body, correlationID: nil,
                    traceparent: nil, tracestate: nil, completedAt: stage.clock.wall()), of: JobID("j-\(number)"))
        }
        await stage.pass(.seconds(200))
        #expect(stage.ended == (0..<5).map { "j-\($0)" })
        #expect(stage.workers.count { $0.cluster.changes.contains(.take(.sweep)) } == 1)
        await stage.end()
    }

    @Test("a lost copy is reported by one member, and not before all have had their lanes for as long as it takes")
    func lost() async {
        let stage = ClusterStage(lostAfter: .seconds(900)) { _, _, _, _ in .unavailable }
        stage.begin()
        stage.submit("a", to: 0)
        let broker = stage.workers[0].broker
        await stage.advance { Self.delays.contains { broker.count("retry.\($0)") > 0 } }
        for delay in Self.delays { broker.purge("retry.\(delay)") }
        stage.workers[2].pipeline.linkLost(generation: 1)
        await stage.pass(.seconds(3_000))
        #expect(stage.results == 0, "the third may have got it just before")
        stage.workers[2].pipeline.consuming()
        let again = stage.elapsed
        await stage.advance(for: .seconds(3_600)) { stage.results > 0 }
        #expect(stage.elapsed - again >= .seconds(900))
        await stage.pass(.seconds(600))
        #expect(stage.ended == ["j-a"])
        let results = stage.workers.flatMap { $0.broker.messages("results") }
        #expect(results.allSatisfy { String(decoding: $0.body, as: UTF8.self).contains("job_lost") })
        await stage.end()
    }

    @Test("a member that holds for a fault of its own leaves the sweep to another one", arguments: [true, false])
    func sweeperHolds(isOfTheAPI: Bool) async {
        let stage = await begun()
        await stage.pass(.seconds(70))
        let first = stage.workers.firstIndex { $0.cluster.changes.contains(.take(.sweep)) } ?? 0
        let pipeline = stage.workers[first].pipeline
        if isOfTheAPI {
            pipeline.dispatcher.hold(.tlsTrust, detail: "unknown CA")
        } else {
            pipeline.brokerBlocked("memory")
        }
        await stage.pass(.seconds(400))
        let holder = stage.cluster.shared.duties[.sweep]?.member
        #expect(holder != nil && holder != stage.workers[first].cluster.epoch)
        #expect(stage.holding.count { $0.isEmpty } == 2)
        await stage.end()
    }

    @Test("a member that the broker blocks can give back nothing, and counts as one that does not consume")
    func blocked() async {
        let stage = await begun()
        #expect(stage.cluster.shared.consumingSince.keys.sorted() == [1, 2, 3])
        stage.workers[1].pipeline.brokerBlocked("memory")
        await stage.pass(.seconds(3))
        #expect(stage.cluster.shared.consumingSince.keys.sorted() == [1, 3])
        stage.workers[1].pipeline.brokerBlocked(nil)
        await stage.pass(.seconds(3))
        #expect(stage.cluster.shared.consumingSince.keys.sorted() == [1, 2, 3])
        await stage.end()
    }

    @Test("with its ledger a relay ends, whatever it has yet to say")
    func closed() async {
        let stage = ClusterStage { _, _, _, _ in .ok }
        let worker = stage.workers[0]
        worker.pipeline.pause(by: "me")
        worker.cluster.close()
        #expect(await worker.pipeline.relay?.exchange(worker.pipeline.dispatcher) == false)
    }

    @Test("when the member that sweeps has ended another one does")
    func sweeperEnds() async {
        let stage = await begun()
        await stage.pass(.seconds(70))
        let first = stage.workers.firstIndex { $0.cluster.changes.contains(.take(.sweep)) } ?? 0
        stage.workers[first].cluster.cut()
        stage.cluster.noteEnd(of: stage.workers[first].cluster)
        await stage.pass(.seconds(70))
        let holder = stage.cluster.shared.duties[.sweep]?.member
        #expect(holder != nil && holder != stage.workers[first].cluster.epoch)
        await stage.end()
    }
}

/// What it takes to believe that nobody has a copy that was due.
@Suite struct EmptinessLogTests {
    @Test func aQueueWasEmptyThreeMinutesAgoIfItWasSeenSoThenAndNotLongBefore() {
        func now(_ second: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: second * 1_000_000_000) }
        var log = EmptinessLog()
        #expect(!log.wasEmpty(at: now(1_000)))
        log.note(at: now(1_000))
        #expect(!log.wasEmpty(at: now(1_179)))
        #expect(log.wasEmpty(at: now(1_180)))
        #expect(log.wasEmpty(at: now(1_540)))
        #expect(!log.wasEmpty(at: now(1_541)), "it says nothing of today")
    }
}
