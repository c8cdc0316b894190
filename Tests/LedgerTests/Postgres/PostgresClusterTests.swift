import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import ScriptedPeer
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What the members share, over one database. The rules are `ClusterStateTests` and `DayAllotmentsTests`; here is what is
/// loaded and saved of them, and that two who change it at once do so one after the other.
@Suite(.withADatabase, .timeLimit(.minutes(10))) struct PostgresClusterTests {
    private static let durations = LeaseDurations(
        sendWindow: .seconds(1), callTimeout: .seconds(3_600), grace: .seconds(1))

    private func join(_ count: Int, _ database: SharedDatabase) async throws -> [DatabaseLedger] {
        var ledgers: [DatabaseLedger] = []
        for number in 0..<count {
            ledgers.append(try await database.join("m\(number)", durations: Self.durations))
        }
        return ledgers
    }

    private func close(_ ledgers: [DatabaseLedger]) async {
        for ledger in ledgers { await ledger.close(within: DatabaseLedger.closeTime) }
    }

    private func hold(_ cause: HoldCause, of member: Int64, probe: Timestamp?) -> SharedHold {
        var hold = SharedHold(
            cause: cause, since: Timestamp(milliseconds: 1_000), member: member, detail: "\"quoted\" – ü")
        hold.nextProbe = probe
        (hold.round, hold.threshold, hold.refusedProbes) = (2, 5, 7)
        return hold
    }

    @Test("all that is shared comes back as it was written")
    func stored() throws {
        var state = ClusterState()
        state.version = 9
        for (cause, probe) in [(HoldCause.apiRetired, Timestamp(milliseconds: 5_000)), (.operatorPaused, nil)] {
            state.holds[cause] = hold(cause, of: 3, probe: probe)
        }
        state.turn = ProbeTurn(member: 3, fence: 12, until: Timestamp(milliseconds: 77))
        (state.lastFence, state.isExtraRound) = (12, true)
        state.firstCaller = FirstCaller(member: 2, until: Timestamp(milliseconds: 88))
        state.parts = [1: 3, 2: 0]
        for kind in [ClusterEvidence.Kind.refusal(threshold: 5), .failure(isUnsent: true), .failure(isUnsent: false)] {
            state.evidence.append(
                ClusterEvidence(
                    cause: .apiRetired, kind: kind, account: AccountID(utf8: [0, 255, 34]), job: JobID("j")))
        }
        #expect(ClusterState(json: state.json, version: 9) == state)
        #expect(ClusterState(json: [], version: 0) == ClusterState())
        #expect(ClusterState(json: Array("[".utf8), version: 0) == nil)
        var day = DayAllotments()
        day.revision = 4
        for member in 1...3 as ClosedRange<Int64> {
            _ = day.apply(DayRequest(day: "d", limit: 100), by: member, alive: [1, 2, 3], spent: [:])
        }
        #expect(DayAllotments(json: day.json, revision: day.revision) == day)
    }

    @Test("what one member says the others see, once, by its version")
    func seen() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(2, database)
        let (one, two) = (ledgers[0].cluster, ledgers[1].cluster)
        #expect((one.epoch, two.epoch) == (1, 2))
        let first = try await two.look(since: -1)
        #expect(first.state == ClusterState() && first.alive == [1, 2] && first.member == 2)
        let hold = hold(.apiRetired, of: 1, probe: Timestamp(milliseconds: 5_000))
        #expect(try await one.change(.engage(hold)).isAccepted)
        let news = try await two.look(since: 0)
        #expect(news.state?.holds == [.apiRetired: hold] && news.state?.version == 1)
        #expect(try await two.look(since: 1).state == nil)
        #expect(try await !two.change(.engage(hold)).isAccepted, "it is no news")
        #expect(try await one.look(since: 1).state == nil)
        try await database.bury(ledgers[0])
        // It may have joined anew by now.
        let alive = try await two.look(since: 1).alive
        #expect(alive.contains(2) && !alive.contains(1))
        await close(ledgers)
    }

    @Test("of many who ask for the turn at once one gets it, and who was taken for dead changes nothing")
    func oneTurn() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(4, database)
        _ = try await ledgers[0].cluster.change(
            .engage(hold(.apiRetired, of: 1, probe: Timestamp(milliseconds: 5_000))))
        let answers = try await withThrowingTaskGroup(of: ClusterAnswer.self) { group in
            for number in 0..<32 {
                let cluster = ledgers[number % 4].cluster
                group.addTask { try await cluster.change(.beginProbe) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let winners = answers.filter(\.isAccepted)
        #expect(winners.count == 1 && winners.first?.state.lastFence == 1)
        #expect(Set(answers.compactMap { $0.state.turn?.member }) == Set(winners.compactMap { $0.state.turn?.member }))
        let turn = try #require(winners.first?.state.turn)
        // The database's clock is an hour from its end.
        #expect(turn.until > ledgers[0].clusterClock.wall() + .seconds(3_000))
        await close(ledgers)
    }

    @Test("members that ask for calls of a day at once are allotted the limit together, and no more")
    func day() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(3, database)
        let calls = try await withThrowingTaskGroup(of: Int.self) { group in
            for ledger in ledgers {
                group.addTask {
                    var calls = 0
                    while true {
                        let answer = try await ledger.cluster.allot(DayRequest(day: "d", limit: 300))
                        guard answer.calls > 0 else { return calls }
                        calls += answer.calls
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(calls == 300)
        // What a dead member has not claimed is the others', once it is settled what it has.
        try await database.bury(ledgers[0])
        #expect(try await ledgers[1].cluster.allot(DayRequest(day: "d", limit: 300)).calls == 0)
        try await database.run("UPDATE leave_album.instances SET ended = now() - interval '1 minute' WHERE epoch = 1")
        #expect(try await ledgers[1].cluster.allot(DayRequest(day: "d", limit: 300)).calls > 0)
        await close(ledgers)
    }

    @Test("what was claimed with is spent, of the member that claimed")
    func spent() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(2, database)
        let claim = Sample.claim(Sample.arrival())
        _ = try await ledgers[0].claim(claim)
        let answer = try await ledgers[1].cluster.allot(DayRequest(day: claim.day, limit: 300))
        #expect(answer.spent == 1)
        await close(ledgers)
    }

    /// A member the answer to whose first statement of that name is lost, though it is done.
    private func doubting(
        _ statement: String, _ database: SharedDatabase, _ body: (DatabaseLedger) async throws -> Void
    ) async throws {
        let isLost = Lock(false)
        let script = PostgresProxy.script(to: database.server.port) { statements in
            guard statements.contains(statement) else { return .pass }
            return isLost.withLock { isLost in
                defer { isLost = true }
                return isLost ? .pass : .loseAnswer
            }
        }
        try await RawPeer.serving(script) { peer in
            let ledger = try await database.join("doubting", port: peer.port, durations: Self.durations)
            try await body(ledger)
            #expect(isLost.withLock { $0 })
            await close([ledger])
        }
    }

    @Test("calls of a day whose allotment is in doubt are allotted once")
    func dayInDoubt() async throws {
        let database = try await SharedDatabase()
        try await doubting("save_day", database) { ledger in
            var calls = 0
            while true {
                let answer = try await ledger.cluster.allot(DayRequest(day: "d", limit: 300))
                guard answer.calls > 0 else { break }
                calls += answer.calls
            }
            #expect(calls == 300)
        }
    }

    @Test("who took the turn and heard no answer has it")
    func turnInDoubt() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(1, database)
        _ = try await ledgers[0].cluster.change(
            .engage(hold(.apiRetired, of: 1, probe: Timestamp(milliseconds: 5_000))))
        try await doubting("save_cluster", database) { ledger in
            let answer = try await ledger.cluster.change(.beginProbe)
            #expect(answer.isAccepted && answer.state.turn?.member == ledger.cluster.epoch)
        }
        await close(ledgers)
    }
}
