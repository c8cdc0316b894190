import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import ScriptedPeer
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What a worker does that does not know whether its batch is committed: it finds out by a write before anything rests
/// on it.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct CommitDoubtTests {
    /// Batches that write jobs, as they went by; the first `actions` of them are dealt with so, all others pass.
    private final class Script: Sendable {
        private let state: Lock<(actions: [PostgresProxy.Action], writes: Int)>

        init(_ actions: [PostgresProxy.Action]) { state = Lock((actions, 0)) }

        var writes: Int { state.withLock { $0.writes } }

        func decide(_ statements: [String]) -> PostgresProxy.Action {
            guard statements.contains(where: { $0.contains("_jobs") && !$0.hasPrefix("load") || $0 == "mark_results" })
            else {
                return .pass
            }
            return state.withLock { state in
                state.writes += 1
                return state.actions.isEmpty ? .pass : state.actions.removeFirst()
            }
        }
    }

    /// A ledger whose writes have the fate that the script says, and what is said of its health.
    private func with(
        _ actions: PostgresProxy.Action..., body: (DatabaseLedger, SharedDatabase, Script) async throws -> Void
    ) async throws {
        let database = try await SharedDatabase()
        let script = Script(actions)
        let health = Lock<[LedgerHealth]>([])
        try await RawPeer.serving(PostgresProxy.script(to: database.server.port) { script.decide($0) }) { peer in
            let ledger = try await database.join(port: peer.port) { parts in
                parts.onHealth = { word in health.withLock { $0.append(word) } }
            }
            try await body(ledger, database, script)
            #expect(try await ledger.verify() == [])
            #expect(await ledger.close(within: DatabaseLedger.closeTime) == 0)
        }
        #expect(health.withLock { $0 } == [], "a lost connection is made anew before anybody hears of it")
    }

    // MARK: Claims

    @Test func aClaimWhoseAnswerIsLostIsProvedByAnotherWriteAndItsLeaseBeginsAnew() async throws {
        try await with(.loseAnswer) { ledger, database, script async throws in
            let before = ledger.clusterClock.now()
            let lease = try #require(try await ledger.lease())
            #expect(script.writes == 2 && ledger.counts.unknownCommits == 1)
            #expect(lease.beginsBefore > before && lease.isFirstCall)
            #expect(ledger.sharedReading?.leasesHeld == 1)
            // The claim, and the proof of it.
            #expect(try await database.job("revision, intent, fence") == "2|t|\(lease.fence)")
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 0))
            #expect(
                try await ledger.record(Sample.finished(Sample.arrival()), under: lease, isUnheard: false) == .copy(0))
        }
    }

    @Test func aClaimThatTheServerNeverSawIsMadeOnceMore() async throws {
        try await with(.swallow) { ledger, database, script async throws in
            let lease = try #require(try await ledger.lease())
            #expect(script.writes == 2 && ledger.counts.unknownCommits == 1)
            #expect(try await database.job("revision, fence") == "1|\(lease.fence)")
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 0))
        }
    }

    @Test(arguments: ["01000", "57P01"])
    func aCommitThatCameWithAWarningIsNotRestedOn(state: String) async throws {
        try await with(.warn(state: state), .warn(state: state)) { ledger, database, script async throws in
            let lease = try #require(try await ledger.lease())
            // The claim, a proof that is in doubt as well, and one that is not.
            #expect(script.writes == 3 && ledger.counts.unknownCommits == 2)
            #expect(try await database.job("revision, fence") == "3|\(lease.fence)")
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 0))
        }
    }

    @Test func aBatchThatWasUndoneIsSentAgainAsItWas() async throws {
        try await with(.fail(state: "40P01"), .fail(state: "40001")) { ledger, database, script async throws in
            let lease = try #require(try await ledger.lease())
            #expect(script.writes == 3 && ledger.counts.unknownCommits == 0)
            #expect(ledger.counts.retries == ["40P01": 1, "40001": 1])
            #expect(ledger.sharedReading?.retries == ["40P01": 1, "40001": 1, "55P03": 0, "57014": 0])
            #expect(ledger.sharedReading?.leasesHeld == 1)
            #expect(try await database.job("revision, fence") == "1|\(lease.fence)")
        }
    }

    @Test func aClaimThatAnotherHasTakenOverMeanwhileIsNone() async throws {
        let database = try await SharedDatabase()
        let (isLost, goOn) = (try RawSignal(), try RawSignal())
        let script = PostgresProxy.script(to: database.server.port) { statements in
            if statements.contains(where: { $0.hasPrefix("insert_jobs") }) {
                isLost.fire()
                return .loseAnswer
            }
            // The look that comes after it.
            if isLost.isFired, statements.contains("load_jobs") { try goOn.wait() }
            return .pass
        }
        try await RawPeer.serving(script) { peer in
            let one = try await database.join("a", port: peer.port)
            let two = try await database.join("b")
            async let doubted = one.lease()
            await isLost.fired()
            while try await database.job("count(*)") == "0" {}
            try await database.endLeases()
            let taken = try #require(try await two.lease(kind: .albumQuery, isAmbiguous: true))
            goOn.fire()
            #expect(try await doubted == nil, "two would call for the job")
            #expect(try await database.job("fence") == "\(taken.fence)")
            await one.close(within: DatabaseLedger.closeTime)
            await two.close(within: DatabaseLedger.closeTime)
        }
    }

    @Test func aSlotWhoseClaimIsInDoubtIsTakenOnceAndLastsAsLongAsTheLease() async throws {
        let limits = AccountLimits(slots: 1, perMinute: 0)
        try await with(.loseAnswer, .swallow) { ledger, database, _ async throws in
            let lease = try #require(try await ledger.lease(limits: limits))
            #expect(
                try await database.run(
                    "SELECT busy_fence, busy_until = call_until FROM leave_album.accounts, leave_album.jobs")
                    == "\(lease.fence)|t")
            try await ledger.record(Sample.finished(Sample.arrival()), under: lease, isUnheard: false)
            #expect(try await ledger.lease(Sample.arrival("next"), limits: limits) != nil)
        }
    }

    // MARK: What else is written

    @Test(arguments: [true, false]) func aRecordInDoubtIsWrittenOnce(isDone: Bool) async throws {
        // The claim passes.
        try await with(.pass, isDone ? .loseAnswer : .swallow) { ledger, database, _ async throws in
            let lease = try #require(try await ledger.lease())
            let record = Sample.finished(Sample.arrival(), body: "the only one")
            #expect(try await ledger.record(record, under: lease, isUnheard: false) == .copy(0))
            #expect(try await database.job("revision") == (isDone ? "3" : "2"))
            #expect(try await ledger.results(of: JobID("job-1")).map(\.body) == [Array("the only one".utf8)])
        }
    }

    @Test(arguments: [true, false]) func aParkedCopyInDoubtHasOneNumber(isDone: Bool) async throws {
        try await with(isDone ? .loseAnswer : .swallow) { ledger, database, _ async throws in
            #expect(try await ledger.record(Sample.parked(Sample.arrival()), under: nil, isUnheard: false) == .copy(1))
            #expect(try await database.job("copy") == "1")
        }
    }

    @Test(arguments: [true, false]) func aWithdrawalInDoubtGivesTheDayBackOnce(isDone: Bool) async throws {
        try await with(.pass, isDone ? .loseAnswer : .swallow) { ledger, database, _ async throws in
            let lease = try #require(try await ledger.lease())
            try await ledger.withdraw(lease, of: JobID("job-1"), kind: .call, day: Sample.day)
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 0, albumQueries: 0))
            #expect(try await database.job("intent, call_until IS NULL, first_call IS NULL") == "f|t|t")
        }
    }

    @Test(arguments: [true, false]) func aMarkInDoubtIsMade(isDone: Bool) async throws {
        try await with(.pass, isDone ? .loseAnswer : .swallow) { ledger, _, _ async throws in
            try await ledger.record(Sample.finished(Sample.arrival()), under: nil, isUnheard: false)
            ledger.mark(.result, of: JobID("job-1"), generation: 0)
            #expect(try await ledger.unpublishedResults(after: nil, limit: 9).isEmpty)
        }
    }

    @Test(arguments: [true, false]) func aCancelInDoubtOfAJobThatHasNotComeIsRemembered(isDone: Bool) async throws {
        try await with(isDone ? .loseAnswer : .swallow) { ledger, _, _ async throws in
            #expect(try await ledger.cancel(JobID("job-1"), at: Sample.start))
            #expect(try await ledger.lookUp(Sample.arrival(), at: Sample.start) == .cancelled(nil))
        }
    }

    @Test func aCancelForGoodInDoubtCanBeCarriedOut() async throws {
        try await with(.pass, .loseAnswer) { ledger, _, _ async throws in
            try await ledger.record(Sample.parked(Sample.arrival()), under: nil, isUnheard: false)
            guard
                case .open(let job) = try await ledger.cancelForGood(JobID("job-1"), newest: nil, at: Sample.start)
            else {
                Issue.record("it is open")
                return
            }
            // The proof has moved the row once more, so that it is to be looked at again.
            let result = Sample.result(outcome: .failed, reason: .cancelled)
            #expect(try await !ledger.finishCancelled(job, result: result))
            guard case .cancelled = try await ledger.lookUp(Sample.arrival(copy: 1), at: Sample.start) else {
                Issue.record("it ends when it comes")
                return
            }
        }
    }

    // MARK: Faults of one

    @Test func whatTheDatabaseRefusesOfOneJobFailsThatOneAlone() async throws {
        let database = try await SharedDatabase()
        try await database.run(
            "ALTER TABLE leave_album.jobs ADD CONSTRAINT test CHECK (job_id <> 'poison'::bytea)")
        let ledger = try await database.join()
        let answers = await withTaskGroup(of: (String, Bool).self) { group in
            for id in ["a", "b", "poison", "c", "d"] {
                group.addTask { (id, (try? await ledger.lease(Sample.arrival(id))) != nil) }
            }
            return await group.reduce(into: [String: Bool]()) { $0[$1.0] = $1.1 }
        }
        #expect(answers.filter { !$0.value }.map(\.key) == ["poison"])
        await ledger.close(within: DatabaseLedger.closeTime)
    }
}
