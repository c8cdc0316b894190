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
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct PostgresClusterTests {
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
        (state.parts, state.withoutParts) = ([1: 3, 2: 0], [4])
        for kind in [ClusterEvidence.Kind.refusal(threshold: 5), .failure(isUnsent: true), .failure(isUnsent: false)] {
            state.evidence.append(
                ClusterEvidence(
                    cause: .apiRetired, kind: kind, account: AccountID(utf8: [0, 255, 34]), job: JobID("j")))
        }
        state.met = [.tlsTrust: [1: Timestamp(milliseconds: 5), 3: Timestamp(milliseconds: 6)]]
        state.pausedAccounts = [AccountID(utf8: [0, 255, 34]), AccountID("b")]
        state.pausedMembers = ["b ü": MemberPause(since: Timestamp(milliseconds: 3), detail: "\"by\" uid 0")]
        state.consumingSince = [1: Timestamp(milliseconds: 5), 7: Timestamp(milliseconds: 6)]
        for duty in ClusterDuty.allCases {
            state.duties[duty] = DutyHolder(member: 4, until: Timestamp(milliseconds: 99))
        }
        #expect(ClusterState(json: state.json(over: []), version: 9) == state)
        #expect(ClusterState(json: [], version: 0) == ClusterState())
        #expect(ClusterState(json: Array("[".utf8), version: 0) == nil)
        var day = DayAllotments()
        day.revision = 4
        for member in 1...3 as ClosedRange<Int64> {
            _ = day.apply(DayRequest(day: "d", limit: 100), by: member, alive: [1, 2, 3], spent: [:])
        }
        #expect(DayAllotments(json: day.json(over: []), revision: day.revision) == day)
        day.spentLimit = 100
        #expect(DayAllotments(json: day.json(over: []), revision: day.revision) == day)
    }

    @Test("the table of members says who is paused, by name, whoever asks")
    func paused() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(2, database)
        #expect(ledgers.map(\.cluster.name) == ["m0", "m1"])
        #expect(try await ledgers[0].cluster.change(.pauseMember("m1", detail: "d")).isAccepted)
        let command = try await DatabaseLedger.attach(database.configuration(port: database.server.port))
        #expect(try await command.members().map(\.isPaused) == [false, true])
        // The next under the name is the one that it is true of.
        await ledgers[1].close(within: DatabaseLedger.closeTime)
        #expect(try await command.members().map(\.isPaused) == [false, true])
        let next = try await database.join("m1", durations: Self.durations)
        #expect(try await command.members().map(\.isPaused) == [false, false, true])
        #expect(try await next.cluster.look(since: -1).state?.pausedMembers["m1"]?.detail == "d")
        #expect(try await next.cluster.change(.resumeMember("m1")).isAccepted)
        #expect(try await command.members().map(\.isPaused) == [false, false, false])
        await command.close(within: DatabaseLedger.closeTime)
        await close([ledgers[0], next])
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

    /// All that it can get.
    @discardableResult
    private static func allotment(of ledger: DatabaseLedger) async throws -> Int {
        var used = 0
        while true {
            let answer = try await ledger.cluster.allot(DayRequest(day: Sample.day, limit: 300, used: used))
            guard answer.share.allotted > used else { return used }
            used = answer.share.allotted
        }
    }

    @Test("a member is behind a version until it acknowledges it, and none that has not begun, or has ended")
    func acknowledged() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(3, database)
        let (one, two) = (ledgers[0].cluster, ledgers[1].cluster)
        #expect(try await one.membersBehind(1).isEmpty, "nobody takes jobs yet")
        for cluster in [one, two] { try await cluster.acknowledge(0) }
        let behind = try await one.membersBehind(1)
        #expect(behind == [MemberIdentity(name: "m0", epoch: 1), MemberIdentity(name: "m1", epoch: 2)])
        try await one.acknowledge(3)
        try await one.acknowledge(2)
        #expect(try await two.membersBehind(3) == [MemberIdentity(name: "m1", epoch: 2)])
        // Whoever is back has worked all the time, by nobody knows what.
        try await database.bury(ledgers[1])
        _ = try await ledgers[1].claim(Sample.claim(Sample.arrival()))
        #expect(ledgers[1].epoch == 4)
        #expect(try await one.membersBehind(1) == [MemberIdentity(name: "m1", epoch: 4)])
        await close(ledgers)
    }

    @Test("of many members one has a duty, and another one when it has ended")
    func duty() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(4, database)
        func holders() async -> [Int64] {
            await withTaskGroup(of: Int64?.self) { group in
                for ledger in ledgers {
                    group.addTask { await ledger.cluster.take(.retention).map { _ in ledger.cluster.epoch } }
                }
                return await group.reduce(into: []) { holders, holder in if let holder { holders.append(holder) } }
            }
        }
        let first = await holders()
        #expect(first.count == 1)
        #expect(await holders() == first)
        let leaving = try #require(ledgers.first { $0.cluster.epoch == first.first })
        await leaving.close(within: DatabaseLedger.closeTime)
        let second = await holders()
        #expect(second.count == 1 && second != first)
        await close(ledgers)
    }

    @Test("members that ask for calls of a day at once are allotted the limit together, and no more")
    func day() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(3, database)
        let calls = try await withThrowingTaskGroup(of: Int.self) { group in
            for ledger in ledgers {
                group.addTask {
                    try await Self.allotment(of: ledger)
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(calls == 300)
        // What a dead member has not claimed is the others', once it is settled what it has.
        try await database.bury(ledgers[0])
        let before = try await Self.allotment(of: ledgers[1])
        try await database.run("UPDATE leave_album.instances SET ended = now() - interval '1 minute' WHERE epoch = 1")
        #expect(try await Self.allotment(of: ledgers[1]) > before)
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

    // MARK: Claims within what was allotted

    private func claim(_ id: String, of member: Int?) -> Claim {
        var claim = Sample.claim(Sample.arrival(id))
        claim.allottedTo = member.map { Int64($0) }
        return claim
    }

    private func isClaimed(_ answer: ClaimAnswer) -> Bool { if case .claimed = answer { true } else { false } }

    @Test func noClaimGoesBeyondWhatItsMemberWasAllotted() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(1, database)
        let ledger = ledgers[0]
        #expect(try await ledger.claim(claim("early", of: 1)) == .notAllotted)
        let allotted = try await ledger.cluster.allot(DayRequest(day: Sample.day, limit: 20)).share.allotted
        #expect(allotted == 5)
        let answers = try await withThrowingTaskGroup(of: ClaimAnswer.self) { group in
            for number in 0..<12 { group.addTask { try await ledger.claim(claim("j\(number)", of: 1)) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count(where: isClaimed) == 5 && answers.count { $0 == .notAllotted } == 7)
        #expect(try await database.run("SELECT calls, allotted FROM leave_album.day_shares") == "5|5")
        #expect(try await database.run("SELECT count(*) FROM leave_album.jobs") == "5", "the others left nothing")
        #expect(isClaimed(try await ledger.claim(claim("unlimited", of: nil))))
        await close(ledgers)
    }

    @Test func whatWasAllottedBeforeARejoiningIsNotClaimedWithAfterIt() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join(durations: Self.durations) { $0.heartbeatInterval = .seconds(3_600) }
        _ = try await ledger.cluster.allot(DayRequest(day: Sample.day, limit: 100))
        guard case .claimed(_, let lease) = try await ledger.claim(claim("before", of: 1)) else {
            Issue.record("it was allotted")
            return
        }
        try await database.bury(ledger)
        #expect(try await ledger.claim(claim("late", of: 1)) == .notAllotted)
        #expect(ledger.epoch == 2)
        #expect(try await ledger.claim(claim("late", of: 2)) == .notAllotted, "not yet")
        _ = try await ledger.cluster.allot(DayRequest(day: Sample.day, limit: 100))
        #expect(isClaimed(try await ledger.claim(claim("late", of: 2))))
        // What the former member claimed and did not send is taken back from it.
        try await ledger.withdraw(lease, of: JobID("before"), kind: .call, day: Sample.day)
        #expect(try await database.run("SELECT epoch, calls FROM leave_album.day_shares ORDER BY epoch") == "1|0\n2|1")
        await close([ledger])
    }

    /// Another connection of the same member, which that has given up, spends the last call between the claim's reading
    /// and its writing.
    @Test func aClaimThatIsOvertakenAtTheDaysLastCallIsNone() async throws {
        let database = try await SharedDatabase()
        let ledgers = try await join(1, database)
        _ = try await ledgers[0].cluster.allot(DayRequest(day: Sample.day, limit: 4))
        let sql = """
            DO $$ BEGIN UPDATE leave_album.day_shares SET calls = allotted; PERFORM pg_advisory_xact_lock(1);
            WHILE NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
            AND wait_event_type = 'Lock') LOOP PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP;
            END $$
            """
        async let spending = database.run(sql)
        let isHeld = """
            SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND d.datname = current_database()
            """
        while try await database.run(isHeld) == "0" {}
        #expect(try await ledgers[0].claim(claim("late", of: 1)) == .notAllotted)
        _ = try await spending
        #expect(try await database.run("SELECT calls, allotted FROM leave_album.day_shares") == "1|1")
        #expect(try await database.run("SELECT count(*) FROM leave_album.jobs") == "0")
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
        try await doubting("save_day", database) { ledger async throws in
            #expect(try await ledger.cluster.allot(DayRequest(day: Sample.day, limit: 300)).share.allotted == 50)
            #expect(try await Self.allotment(of: ledger) == 300)
        }
    }

    @Test("who said that it is gone and heard no answer does not come back for that")
    func gone() async throws {
        let database = try await SharedDatabase()
        try await doubting("leave", database) { ledger async throws in
            await ledger.close(within: .seconds(300))
        }
        #expect(try await database.run("SELECT string_agg(state, ' ') FROM leave_album.instances") == "gone")
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
