import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What a batch does not read: a guess that is right saves a round trip, and one that is wrong decides nothing.
@Suite(.withADatabase, .timeLimit(.minutes(10))) struct JobGuessTests {
    private static let limits = AccountLimits(slots: 1, perMinute: 30)

    private static func claim(_ arrival: Arrival = Sample.arrival(), allottedTo member: Int? = nil) -> Claim {
        var claim = Sample.claim(arrival, presumesNew: true)
        claim.limits = limits
        claim.allottedTo = member.map { Int64($0) }
        return claim
    }

    /// The member whose guesses are put to the test, with a count of its round trips. Nothing but the test is asked.
    private static func guesser(
        _ database: SharedDatabase, clock: any TimeSource = SystemTimeSource(), roundTrips: Lock<Int> = Lock(0)
    ) async throws -> DatabaseLedger {
        let ledger = try await database.join("guesser") {
            $0.clock = clock
            $0.heartbeatInterval = .seconds(1_000_000)
            $0.onRoundTrip = { _ in roundTrips.withLock { $0 += 1 } }
        }
        // Its first heartbeat is behind it.
        _ = try await ledger.knowsSuccess()
        roundTrips.withLock { $0 = 0 }
        return ledger
    }

    /// Claims a new job, and again another one where the machine was too slow for the guess of the clock: that is refused,
    /// and then read.
    private static func claimAtOnce(
        _ ledger: DatabaseLedger, _ roundTrips: Lock<Int>, before: (_ account: String) async throws -> Void = { _ in }
    ) async throws -> (arrival: Arrival, lease: Lease)? {
        for number in 1...100 {
            let arrival = Sample.arrival("job-\(number)", account: "account-\(number)")
            try await before("account-\(number)")
            roundTrips.withLock { $0 = 0 }
            guard case .claimed(_, let lease) = try await ledger.claim(claim(arrival)) else { return nil }
            if roundTrips.withLock({ $0 }) == 1 { return (arrival, lease) }
        }
        return nil
    }

    @Test func aNewJobIsClaimedInOneRoundTripAndEndedInAnother() async throws {
        let database = try await SharedDatabase()
        let roundTrips = Lock(0)
        let ledger = try await Self.guesser(database, roundTrips: roundTrips)
        let (arrival, lease) = try #require(try await Self.claimAtOnce(ledger, roundTrips))
        let slot = "FROM leave_album.accounts WHERE account = '\(arrival.account)'"
        #expect(
            try await database.run("SELECT busy_fence, busy_until > now(), tat IS NULL \(slot)")
                == "\(lease.fence)|t|f")
        #expect(try await ledger.record(Sample.finished(arrival), under: lease, isUnheard: false) == .copy(0))
        #expect(roundTrips.withLock { $0 } == 2)
        #expect(
            try await database.run(
                """
                SELECT finished, intent, revision, call_until IS NULL FROM leave_album.jobs
                WHERE job_id = '\(arrival.jobID)'
                """) == "t|f|2|t")
        #expect(try await database.run("SELECT busy_fence IS NULL, tat IS NULL \(slot)") == "t|f")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// It makes no row where it has written one; that this is gone decides nothing.
    @Test func anAccountWhoseRowWasRemovedSinceIsCalledForAllTheSame() async throws {
        let database = try await SharedDatabase()
        let ledger = try await Self.guesser(database)
        for (number, isRemoved) in [false, false, true].enumerated() {
            if isRemoved { try await database.run("DELETE FROM leave_album.accounts") }
            // No rate, which would make the second wait.
            let arrival = Sample.arrival("job-\(number)", account: "anna")
            var claim = Self.claim(arrival)
            claim.limits = AccountLimits(slots: 1, perMinute: 0)
            guard case .claimed(_, let lease) = try await ledger.claim(claim) else {
                Issue.record("job \(number) was not claimed")
                continue
            }
            #expect(
                try await database.run("SELECT busy_fence FROM leave_album.accounts WHERE account = 'anna'")
                    == "\(lease.fence)")
            #expect(try await ledger.record(Sample.finished(arrival), under: lease, isUnheard: false) == .copy(0))
        }
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// A row that keeps the account from nothing is as good as none, and is taken over.
    @Test func anAccountThatWasCalledForEarlierIsFreeAgain() async throws {
        let database = try await SharedDatabase()
        let roundTrips = Lock(0)
        let ledger = try await Self.guesser(database, roundTrips: roundTrips)
        let found = try await Self.claimAtOnce(ledger, roundTrips) { account in
            try await database.run(
                "INSERT INTO leave_album.accounts (account, slot, tat) VALUES ('\(account)', 0, '2026-01-01')")
        }
        let account = try #require(found).arrival.account
        #expect(
            try await database.run(
                "SELECT busy_fence > 0, tat > '2026-01-02' FROM leave_album.accounts WHERE account = '\(account)'")
                == "t|t")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    // MARK: Wrong guesses

    enum Obstacle: CaseIterable {
        case ended, cancelled, running, slotTaken, slotBeyondTheLimit, rate, wait, failedBefore, notAllotted

        /// Made by others; nil: it is in the claim.
        var sql: String? {
            switch self {
            case .ended, .cancelled, .running, .notAllotted: nil
            case .slotTaken: Self.account("0, 7, now() + interval '1 hour', NULL, NULL, NULL, 0")
            case .slotBeyondTheLimit: Self.account("1, 7, now() + interval '1 hour', NULL, NULL, NULL, 0")
            case .rate: Self.account("0, NULL, NULL, now() + interval '1 hour', NULL, NULL, 0")
            case .wait: Self.account("0, NULL, NULL, NULL, now() + interval '1 hour', 'quota_minute', 1")
            case .failedBefore:
                // Of what the daemon writes no time has less than a millisecond.
                Self.account("0, NULL, NULL, NULL, date_trunc('second', now()), 'quota_minute', 1")
            }
        }

        private static func account(_ values: String) -> String {
            """
            INSERT INTO leave_album.accounts (account, slot, busy_fence, busy_until, tat, wait_until, wait_cause, step)
            VALUES ('anna', \(values))
            """
        }

        func isNamed(by answer: ClaimAnswer) -> Bool {
            switch (self, answer) {
            case (.ended, .refused(.finished)), (.cancelled, .refused(.cancelled)), (.running, .refused(.leased)),
                (.slotTaken, .busy(.calls)), (.slotBeyondTheLimit, .busy(.calls)), (.rate, .busy(.rate)),
                (.wait, .busy(.refused)), (.failedBefore, .claimed), (.notAllotted, .notAllotted):
                true
            default: false
            }
        }
    }

    @Test(arguments: Obstacle.allCases) func whatStandsInTheWayIsNamedAsIfNothingHadBeenGuessed(
        _ obstacle: Obstacle
    ) async throws {
        let database = try await SharedDatabase()
        let ledger = try await Self.guesser(database)
        let other = try await database.join("other")
        switch obstacle {
        case .ended: try await other.record(Sample.finished(Sample.arrival()), under: nil, isUnheard: false)
        case .cancelled: _ = try await other.cancel(JobID("job-1"), at: Sample.start)
        case .running: _ = try await other.lease()
        case .slotTaken, .slotBeyondTheLimit, .rate, .wait, .failedBefore, .notAllotted: break
        }
        if let sql = obstacle.sql { try await database.run(sql) }
        let jobs = "SELECT job_id, fence, revision FROM leave_album.jobs"
        let accounts = "SELECT * FROM leave_album.accounts"
        let before = (try await database.run(jobs), try await database.run(accounts))
        let member = obstacle == .notAllotted ? ledger.epoch : nil
        let answer = try await ledger.claim(Self.claim(allottedTo: member))
        #expect(obstacle.isNamed(by: answer), "\(answer)")
        if obstacle == .failedBefore {
            // The next success ends that.
            guard case .claimed(_, let lease) = answer else { return }
            try await ledger.record(Sample.finished(Sample.arrival()), under: lease, isUnheard: false)
            #expect(try await database.run("SELECT step, wait_until IS NULL FROM leave_album.accounts") == "0|t")
        } else {
            #expect(try await database.run(jobs) == before.0)
            // A place that was taken for the claim is given back.
            let after = try await database.run(
                "\(accounts) WHERE busy_fence IS NOT NULL OR tat IS NOT NULL OR wait_until IS NOT NULL")
            #expect(after == before.1)
        }
        for ledger in [ledger, other] { await ledger.close(within: DatabaseLedger.closeTime) }
    }

    /// `isRaised`: whether the row's revision says so, too. A database that has lost commits gives one twice.
    @Test(arguments: [true, false]) func aRecordOfAJobThatSomebodyHasClaimedSinceIsFenced(_ isRaised: Bool) async throws
    {
        let database = try await SharedDatabase()
        let ledger = try await Self.guesser(database)
        guard case .claimed(_, let lease) = try await ledger.claim(Self.claim()) else { return }
        try await database.run(
            "UPDATE leave_album.jobs SET fence = fence + 1, revision = revision + \(isRaised ? 1 : 0)")
        let record = Sample.parked(Sample.arrival())
        #expect(try await ledger.record(record, under: lease, isUnheard: false) == .fenced)
        #expect(try await database.job("intent, due IS NULL") == "t|t")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// What is guessed of the time is as wrong as the clocks are: a lease by it would end at any time.
    @Test(arguments: [3_600, 1, -1, -3_600]) func aLeaseIsByTheDatabasesClockAlsoWhereThatHasJumped(
        _ seconds: Int
    ) async throws {
        let database = try await SharedDatabase()
        let clock = SteppingClock()
        let ledger = try await Self.guesser(database, clock: clock)
        clock.step(by: .seconds(seconds))
        guard case .claimed = try await ledger.claim(Self.claim()) else {
            Issue.record("nothing stands in its way")
            return
        }
        let whole = SharedDatabase.durations.whole.components.seconds
        #expect(
            try await database.job(
                "call_until BETWEEN now() + interval '\(whole - 300) s' AND now() + interval '\(whole) s'") == "t")
        #expect(
            try await database.run("SELECT busy_until FROM leave_album.accounts")
                == (try await database.job("call_until")))
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    // MARK: What is not guessed

    @Test func whatWasRefusedOnceOrIsInDoubtIsRead() {
        var refused = Self.pending(.claim(Self.claim()))
        refused.mayGuess = false
        let known = JobTry(after: StoredJob(), newResults: [], answers: [])
        #expect(JobGuesses([Self.pending(.claim(Self.claim()))], recent: RecentWrites(), doubted: [:]).jobs.count == 1)
        #expect(JobGuesses([refused], recent: RecentWrites(), doubted: [:]).isEmpty)
        let doubted = [JobID("job-1"): [known]]
        #expect(JobGuesses([Self.pending(.claim(Self.claim()))], recent: RecentWrites(), doubted: doubted).isEmpty)
    }

    @Test func aJobOfWhichOneRequestNeedsToBeReadIsReadForAll() {
        let look = Self.pending(.lookUp(Sample.arrival(), Sample.start))
        let claim = Self.pending(.claim(Self.claim()))
        for requests in [[look, claim], [claim, look]] {
            #expect(JobGuesses(requests, recent: RecentWrites(), doubted: [:]).isEmpty)
        }
        let other = Self.pending(.claim(Self.claim(Sample.arrival("job-2"))))
        let guesses = JobGuesses([claim, other, look], recent: RecentWrites(), doubted: [:])
        #expect(guesses.jobs.keys.map(\.string) == ["job-2"])
    }

    private static func pending(_ request: JobRequest) -> PendingRequest {
        PendingRequest(number: 1, request: request, fence: 1, reply: { _, _ in })
    }
}

/// A machine's clock that steps when a test wants it to.
private final class SteppingClock: TimeSource {
    private let system = SystemTimeSource()
    // Moved by a test, read by anyone; under the lock.
    private let steps = Lock(Duration.seconds(7_200))

    func now() -> MonotonicTime { system.now() + steps.withLock { $0 } }
    func wall() -> Timestamp { system.wall() }
    func sleep(until time: MonotonicTime) async { await system.sleep(until: time) }
    func step(by duration: Duration) { steps.withLock { $0 += duration } }
}
