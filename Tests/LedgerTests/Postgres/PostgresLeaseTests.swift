import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Two members over one database: who may call for a job, and whose word counts.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct PostgresLeaseTests {
    private struct Stage {
        let database: SharedDatabase
        let one: DatabaseLedger
        let two: DatabaseLedger
    }

    private func withTwo(_ body: (Stage) async throws -> Void) async throws {
        let database = try await SharedDatabase()
        let stage = Stage(database: database, one: try await database.join("a"), two: try await database.join("b"))
        try await body(stage)
        #expect(try await stage.one.verify() == [])
        #expect(await stage.one.close(within: DatabaseLedger.closeTime) == 0)
        #expect(await stage.two.close(within: DatabaseLedger.closeTime) == 0)
    }

    private static func ended(isAmbiguous: Bool = false) -> Record {
        .callEnded(Sample.arrival(), attempts: 1, isAmbiguous: isAmbiguous, malformedAnswers: 0)
    }

    private func isLeased(_ ledger: DatabaseLedger, _ arrival: Arrival = Sample.arrival()) async throws -> Bool {
        if case .leased = try await ledger.lookUp(arrival, at: Sample.start) { true } else { false }
    }

    // MARK: Who may claim what

    @Test func whileACallMayBeOnItsWayNobodyDecidesAnythingOfTheJob() async throws {
        try await withTwo { stage async throws in
            let before = stage.one.clusterClock.now()
            let lease = try #require(try await stage.one.lease())
            #expect(lease.beginsBefore > before && lease.beginsBefore <= stage.one.clusterClock.now() + .seconds(5))
            let epoch = try #require(stage.one.epoch)
            #expect(lease.fence >> 32 == Int64(epoch) && lease.isFirstCall)
            let row = try await stage.database.job("*")
            for ledger in [stage.one, stage.two] {
                #expect(try await isLeased(ledger))
                #expect(try await isLeased(ledger, Sample.arrival(generation: 1)))
                #expect(try await ledger.lease(kind: .albumQuery, isAmbiguous: true) == nil)
                guard case .leased = try await ledger.cancelForGood(JobID("job-1"), newest: nil, at: Sample.start)
                else {
                    Issue.record("a call for it may be on its way")
                    return
                }
            }
            let deadline = Record.finished(
                Sample.arrival(), Sample.result(outcome: .failed, reason: .deadlineExceeded), attempts: 0,
                isAmbiguous: false, needsDeadLetter: true)
            #expect(try await stage.two.record(deadline, under: nil, isUnheard: false) == .fenced)
            #expect(try await stage.database.job("*") == row)
            #expect(try await stage.two.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 0))
        }
    }

    @Test func theEndOfTheLeaseIsTheDatabasesWhateverTheAskersClockSays() async throws {
        try await withTwo { stage async throws in
            let clock = stage.one.clusterClock
            let asked = clock.now()
            _ = try await stage.one.lease()
            let rest = try #require(Double(try await stage.database.job("extract(epoch FROM call_until - now())")))
            let whole = SharedDatabase.durations.whole
            // However long the machine took for it.
            func isWhole(_ rest: Duration) -> Bool {
                rest <= whole && rest + (clock.now() - asked) + .milliseconds(10) >= whole
            }
            #expect(isWhole(.seconds(rest)), "the call's time, a send window and a grace more")
            for offset in [-1_000_000, 0, 1_000_000] {
                let now = Sample.start + .seconds(offset)
                guard case .leased(let until) = try await stage.two.lookUp(Sample.arrival(), at: now) else {
                    Issue.record("it is leased")
                    return
                }
                #expect(isWhole(until - now), "in the asker's own terms")
            }
        }
    }

    @Test func aCallThatWasHeardLetsTheJobGoAtOnceAndOneThatWasNotKeepsIt() async throws {
        try await withTwo { stage async throws in
            let lease = try #require(try await stage.one.lease())
            #expect(try await stage.one.record(Self.ended(), under: lease, isUnheard: false) == .copy(0))
            let second = try #require(try await stage.two.lease())
            #expect(try await stage.two.record(Self.ended(), under: second, isUnheard: true) == .copy(0))
            #expect(try await isLeased(stage.one))
            #expect(try await isLeased(stage.two), "nor may its own worker call again")
            try await stage.database.endLeases()
            #expect(try await stage.one.lease() == nil, "the album is asked first")
            #expect(try await stage.one.lease(kind: .albumQuery, isAmbiguous: true) != nil)
        }
    }

    @Test func aTakeoverAsksBeforeItCallsAndCallsOnlyOnWhatItHeardItself() async throws {
        try await withTwo { stage async throws in
            let first = try #require(try await stage.one.lease())
            try await stage.database.endLeases()
            #expect(try await stage.two.lease() == nil)
            let asking = try #require(try await stage.two.lease(kind: .albumQuery, isAmbiguous: true))
            #expect(
                try await stage.two.record(Self.ended(isAmbiguous: true), under: asking, isUnheard: false) == .copy(0))
            #expect(try await stage.one.lease(isAmbiguous: true, decidedUnder: first.fence) == nil)
            #expect(try await stage.two.lease(isAmbiguous: true, decidedUnder: asking.fence) != nil)
            #expect(stage.two.counts.takeovers == 1)
        }
    }

    @Test func onlyATakeoverFromAProcessThatEndedCountsAsADeath() async throws {
        for (isDead, hasComeBack, deaths) in [(false, false, "0"), (true, false, "1"), (true, true, "0")] {
            let database = try await SharedDatabase()
            let one = try await database.join("a") { $0.heartbeatInterval = .seconds(3_600) }
            let two = try await database.join("b")
            _ = try #require(try await one.lease())
            if isDead { try await database.bury(one) }
            if hasComeBack {
                try await database.run("UPDATE leave_album.instances SET seen = now() WHERE name = 'a'")
            }
            try await database.endLeases()
            #expect(try await two.lease(kind: .albumQuery, isAmbiguous: true) != nil)
            #expect(try await database.job("deaths") == deaths)
            await one.close(within: DatabaseLedger.closeTime)
            await two.close(within: DatabaseLedger.closeTime)
        }
    }

    /// Whoever is buried and comes back does so before or after, whatever the times of the two transactions are; and whoever
    /// does not come back has not, though it was heard of until the last tick.
    @Test(
        arguments: [
            ("ended = now() + interval '1 hour'", Return.claims, "0"), ("ended = seen", .claims, "0"),
            ("ended = now() + interval '1 hour'", .leaves, "0"), ("ended = seen", .none, "1"),
            ("ended = seen + interval '1 microsecond'", .none, "1"),
        ])
    func aReturnInTheMomentOfTheBurialIsNoDeathAndNoReturnIsOne(
        _ burial: String, _ comingBack: Return, _ deaths: String
    ) async throws {
        let database = try await SharedDatabase()
        let one = try await database.join("a") { $0.heartbeatInterval = .seconds(3_600) }
        let two = try await database.join("b")
        _ = try #require(try await one.lease())
        try await database.run("UPDATE leave_album.instances SET state = 'dead', \(burial) WHERE name = 'a'")
        switch comingBack {
        case .none: break
        case .claims: #expect(try await one.lease(Sample.arrival("another")) != nil)
        case .leaves: await one.close(within: DatabaseLedger.closeTime)
        }
        try await database.endLeases()
        #expect(try await two.lease(kind: .albumQuery, isAmbiguous: true) != nil)
        #expect(try await database.run("SELECT deaths FROM leave_album.jobs WHERE job_id = 'job-1'") == deaths)
        await one.close(within: DatabaseLedger.closeTime)
        await two.close(within: DatabaseLedger.closeTime)
    }

    enum Return: Sendable { case none, claims, leaves }

    @Test func theCopyOfAJobThatSteppedAsideForALeaseIsMissedWhenThatIsOver() async throws {
        try await withTwo { stage async throws in
            let lease = try #require(try await stage.one.lease())
            let columns = """
                generation, copy, attempts, ambiguous, intent, finished, first_call, changed, fence, call_until, deaths
                """
            let before = try await stage.database.job(columns)
            let due = Sample.start + .seconds(40)
            let record = Record.steppedAside(Sample.arrival(), due: due)
            #expect(try await stage.two.record(record, under: nil, isUnheard: false) == .copy(0))
            #expect(try await stage.database.job(columns) == before)
            #expect(stage.two.counts.fencedRecords == 0)
            let missed = try #require(try await stage.two.overdue(before: Sample.late, limit: 9).first)
            #expect(missed.open.due == due)
            let result = Sample.result(outcome: .failed, reason: .jobLost)
            #expect(try await !stage.two.finishLost(missed, result: result), "the call may still end it")
            // Whoever calls goes on, and may step aside for nobody.
            #expect(try await stage.one.record(Self.ended(), under: lease, isUnheard: true) == .copy(0))
            try await stage.database.endLeases()
            let again = try #require(try await stage.two.overdue(before: Sample.late, limit: 9).first)
            #expect(try await stage.two.finishLost(again, result: result))
            #expect(try await stage.two.overdue(before: Sample.late, limit: 9).isEmpty)
        }
    }

    // MARK: Whose word counts

    @Test func ofAFencedWorkerOnlyProofIsBelieved() async throws {
        try await withTwo { stage async throws in
            let first = try #require(try await stage.one.lease())
            try await stage.database.endLeases()
            let second = try #require(try await stage.two.lease(kind: .albumQuery, isAmbiguous: true))
            let row = try await stage.database.job("*")
            for record in [
                Self.ended(), Sample.parked(Sample.arrival(), isAmbiguous: true),
                .finished(
                    Sample.arrival(), Sample.result(outcome: .failed, reason: .outcomeUnknown), attempts: 1,
                    isAmbiguous: true, needsDeadLetter: true),
            ] {
                #expect(try await stage.one.record(record, under: first, isUnheard: false) == .fenced)
            }
            #expect(try await stage.database.job("*") == row)
            #expect(stage.one.counts.fencedRecords == 3)
            let proof = Sample.finished(Sample.arrival(), body: "proof")
            #expect(try await stage.one.record(proof, under: first, isUnheard: false) == .copy(0))
            #expect(stage.one.counts.lateEvidence == 1)
            let other = Sample.finished(Sample.arrival(), body: "other")
            #expect(try await stage.two.record(other, under: second, isUnheard: false) == .alreadyEnded)
            #expect(try await stage.two.results(of: JobID("job-1")).map(\.body) == [Array("proof".utf8)])
        }
    }

    @Test func anOlderGenerationThatAnotherLeftOpenRefusesARecordOfANewerOne() async throws {
        try await withTwo { stage async throws in
            try await stage.one.record(Sample.parked(Sample.arrival()), under: nil, isUnheard: false)
            let newer = Sample.finished(Sample.arrival(generation: 1))
            #expect(try await stage.two.record(newer, under: nil, isUnheard: false) == .fenced)
            #expect(try await stage.two.results(of: JobID("job-1")).isEmpty)
        }
    }

    @Test func whatAnotherHasClaimedSinceIsNotTakenBack() async throws {
        try await withTwo { stage async throws in
            let first = try #require(try await stage.one.lease())
            try await stage.database.endLeases()
            _ = try #require(try await stage.two.lease(kind: .albumQuery, isAmbiguous: true))
            let row = try await stage.database.job("*")
            try await stage.one.withdraw(first, of: JobID("job-1"), kind: .call, day: Sample.day)
            #expect(try await stage.database.job("*") == row)
            #expect(try await stage.one.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 1))
        }
    }

    // MARK: At the same time

    @Test func ofTwoWhoClaimAtOnceOneIsGivenTheJob() async throws {
        try await withTwo { stage async throws in
            let ids = (0..<60).map { "job-\($0)" }
            let claims = try await withThrowingTaskGroup(of: (String, Bool).self) { group in
                for id in ids {
                    for ledger in [stage.one, stage.two] {
                        group.addTask { (id, try await ledger.lease(Sample.arrival(id)) != nil) }
                    }
                }
                var given: [String: Int] = [:]
                for try await (id, isGiven) in group where isGiven { given[id, default: 0] += 1 }
                return given
            }
            #expect(ids.allSatisfy { claims[$0] == 1 }, "\(claims.filter { $0.value != 1 })")
            #expect(try await stage.one.count(of: Sample.day) == DayCount(calls: 60, albumQueries: 0))
        }
    }

    @Test func aCancelAndAClaimOfTwoMembersSeeEachOther() async throws {
        try await withTwo { stage async throws in
            for number in 0..<40 {
                let arrival = Sample.arrival("job-\(number)")
                async let cancelled = stage.one.cancel(arrival.jobID, at: Sample.start)
                async let lease = stage.two.lease(arrival)
                let (isCancelled, isClaimed) = (try await cancelled, try await lease != nil)
                #expect(isCancelled != isClaimed, "job \(number)")
            }
        }
    }

    @Test func theFirstResultStandsWhoeverBringsIt() async throws {
        try await withTwo { stage async throws in
            for number in 0..<30 {
                let arrival = Sample.arrival("job-\(number)")
                async let first = stage.one.record(Sample.finished(arrival, body: "one"), under: nil, isUnheard: false)
                async let second = stage.two.record(Sample.finished(arrival, body: "two"), under: nil, isUnheard: false)
                let answers = [try await first, try await second]
                #expect(Set(answers.map { $0 == .alreadyEnded }) == [true, false], "\(answers)")
                let body = answers[0] == .alreadyEnded ? "two" : "one"
                #expect(try await stage.one.results(of: arrival.jobID).map(\.body) == [Array(body.utf8)])
            }
        }
    }

    // MARK: Accounts

    private static let oneCall = AccountLimits(slots: 1, perMinute: 0)

    @Test func callsOfOneAccountDoNotOverlapWhoeverMakesThem() async throws {
        try await withTwo { stage async throws in
            let other = Sample.arrival("other")
            let lease = try #require(try await stage.one.lease(limits: Self.oneCall))
            #expect(try await stage.two.lease(other, limits: Self.oneCall) == nil)
            #expect(
                try await stage.two.lease(other, kind: .albumQuery, limits: Self.oneCall) != nil, "a question is none")
            #expect(try await stage.two.lease(Sample.arrival("bert", account: "bert"), limits: Self.oneCall) != nil)
            try await stage.one.record(Self.ended(), under: lease, isUnheard: true)
            #expect(try await stage.two.lease(Sample.arrival("third"), limits: Self.oneCall) == nil)
            try await stage.database.endLeases()
            let third = try #require(try await stage.two.lease(Sample.arrival("third"), limits: Self.oneCall))
            try await stage.two.withdraw(third, of: JobID("third"), kind: .call, day: Sample.day)
            let fourth = try #require(try await stage.one.lease(Sample.arrival("fourth"), limits: Self.oneCall))
            let ended = Record.callEnded(
                Sample.arrival("fourth"), attempts: 1, isAmbiguous: false, malformedAnswers: 0)
            try await stage.one.record(ended, under: fourth, isUnheard: false)
            #expect(try await stage.two.lease(Sample.arrival("fifth"), limits: Self.oneCall) != nil)
        }
    }

    @Test func ofManyClaimsOfOneAccountAsManyAreGivenAsThereAreSlots() async throws {
        try await withTwo { stage async throws in
            let given = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    for ledger in [stage.one, stage.two] {
                        group.addTask {
                            let arrival = Sample.arrival("job-\(number)-\(try #require(ledger.epoch))")
                            return try await ledger.lease(arrival, limits: AccountLimits(slots: 3, perMinute: 0)) != nil
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(given == 3)
            #expect(
                try await stage.database.run("SELECT count(*) FROM leave_album.accounts WHERE busy_until > now()")
                    == "3")
            #expect(try await stage.database.job("count(*)") == "3", "who was refused left nothing")
        }
    }

    @Test func anAccountThatTheAPIRefusesWaitsEverywhere() async throws {
        try await withTwo { stage async throws in
            let (before, anna) = (stage.one.clusterClock.wall(), AccountID("anna"))
            let refusal = try await stage.one.noteRefusal(of: anna, for: .minute, atLeast: .seconds(10))
            let until = try #require(refusal)
            #expect(until > before + .seconds(20))
            guard
                case .busy(.refused(.minute, _)) = try await stage.two.claim(
                    Sample.limited(Sample.arrival(), Self.oneCall))
            else {
                Issue.record("the account is left alone")
                return
            }
        }
    }
}

extension Sample {
    static func limited(_ arrival: Arrival, _ limits: AccountLimits) -> Claim {
        var claim = claim(arrival)
        claim.limits = limits
        return claim
    }
}
