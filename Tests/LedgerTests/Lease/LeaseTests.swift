import Clocks
import Jobs
import SharedLedger
import Testing

@testable import Ledger

/// Who may call for a job that several workers have, and whose word counts.
@Suite struct LeaseTests {
    /// Two workers over the same jobs. A lease lasts five seconds, of which the first is the send window.
    private struct Stage {
        let jobs = SharedJobs()
        let clock = StoppedClock()
        let one: SharedMemoryLedger
        let two: SharedMemoryLedger
        var callUntil: Timestamp { Sample.start + .seconds(5) }

        init() {
            one = SharedMemoryLedger(jobs, clock: clock)
            two = SharedMemoryLedger(jobs, clock: clock)
        }

        var row: LedgerRow? { jobs.row(JobID("job-1")) }

        func look(_ ledger: SharedMemoryLedger, _ arrival: Arrival = Sample.arrival()) async throws -> LookupResult {
            try await ledger.lookUp(arrival, at: clock.wall())
        }

        /// The lease of the claim, or nil if it was refused.
        func claim(
            _ ledger: SharedMemoryLedger, _ arrival: Arrival = Sample.arrival(), kind: Claim.Kind = .call,
            isAmbiguous: Bool = false, decidedUnder: Int64? = nil, closing: StoredResult? = nil
        ) async throws -> Lease? {
            var claim = Sample.claim(
                arrival, kind: kind, at: clock.wall(), isAmbiguous: isAmbiguous, closing: closing)
            claim.decidedUnder = decidedUnder
            guard case .claimed(_, let lease) = try await ledger.claim(claim) else { return nil }
            return lease
        }

        /// One has called and was not answered, its lease is over, and two has taken the job over to ask the album.
        func takenOver() async throws -> (one: Lease, two: Lease) {
            let first = try #require(try await claim(one))
            clock.advance(by: .milliseconds(5_001))
            let second = try #require(try await claim(two, kind: .albumQuery, isAmbiguous: true))
            return (first, second)
        }
    }

    private static func ended(_ attempts: Int = 1) -> Record {
        .callEnded(Sample.arrival(), attempts: attempts, isAmbiguous: false, malformedAnswers: 0)
    }

    // MARK: While it runs

    @Test("while a call may be on its way nobody else may decide anything of the job, and nor may its own worker")
    func leased() async throws {
        let stage = Stage()
        let lease = try #require(try await stage.claim(stage.one))
        #expect(lease.beginsBefore == stage.clock.now() + .seconds(1) && lease.isFirstCall)
        let row = stage.row
        stage.clock.advance(by: .seconds(5))
        for ledger in [stage.one, stage.two] {
            #expect(try await stage.look(ledger) == .leased(until: stage.callUntil), "at its last moment too")
            for kind in [Claim.Kind.call, .albumQuery] {
                #expect(try await stage.claim(ledger, kind: kind, isAmbiguous: true) == nil)
            }
            #expect(try await stage.look(ledger, Sample.arrival(generation: 1)) == .leased(until: stage.callUntil))
            let cancel = try await ledger.cancelForGood(JobID("job-1"), newest: nil, at: stage.clock.wall())
            #expect(cancel == .leased(until: stage.callUntil))
        }
        #expect(stage.row == row)
        #expect(try await stage.two.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 0))
        // No record either of a worker that made no call.
        let deadline = Record.finished(
            Sample.arrival(), Sample.result(outcome: .failed, reason: .deadlineExceeded), attempts: 0,
            isAmbiguous: false, needsDeadLetter: true)
        #expect(try await stage.two.record(deadline, under: nil, isUnheard: false) == .fenced)
        #expect(stage.row == row)
    }

    @Test("a call that was heard lets the job go at once, one that went unheard keeps it to the lease's end")
    func heard() async throws {
        let heard = Stage()
        let lease = try #require(try await heard.claim(heard.one))
        #expect(try await heard.one.record(Self.ended(), under: lease, isUnheard: false) == .copy(0))
        #expect(try await heard.look(heard.two) == .resumed(Sample.open(attempts: 1)))
        let unheard = Stage()
        let other = try #require(try await unheard.claim(unheard.one))
        #expect(try await unheard.one.record(Self.ended(), under: other, isUnheard: true) == .copy(0))
        #expect(unheard.row?.hasOpenIntent == false)
        for ledger in [unheard.one, unheard.two] {
            #expect(try await unheard.look(ledger) == .leased(until: unheard.callUntil))
        }
        unheard.clock.advance(by: .milliseconds(5_001))
        #expect(try await unheard.look(unheard.two) == .resumed(Sample.open(attempts: 1, isAmbiguous: true)))
    }

    @Test("what ends with a call that went unheard holds the next generation up")
    func nextGeneration() async throws {
        let stage = Stage()
        let lease = try #require(try await stage.claim(stage.one))
        let failed = Sample.finished(Sample.arrival(), isAmbiguous: true, needsDeadLetter: true)
        #expect(try await stage.one.record(failed, under: lease, isUnheard: true) == .copy(0))
        let redriven = Sample.arrival(generation: 1)
        #expect(try await stage.look(stage.two, redriven) == .leased(until: stage.callUntil))
        stage.clock.advance(by: .milliseconds(5_001))
        #expect(try await stage.look(stage.two, redriven) == .fresh(isAmbiguous: true, predecessor: nil))
    }

    // MARK: Taken over

    @Test("whoever takes a job over asks the album first, and calls on the word that it heard itself")
    func takenOver() async throws {
        let stage = Stage()
        let first = try #require(try await stage.claim(stage.one))
        stage.clock.advance(by: .milliseconds(5_001))
        #expect(try await stage.look(stage.two) == .resumed(Sample.open(isAmbiguous: true)))
        #expect(try await stage.claim(stage.two) == nil, "it does not know of the call that went unheard")
        let question = try #require(try await stage.claim(stage.two, kind: .albumQuery, isAmbiguous: true))
        #expect(stage.row?.hasOpenIntent == false && stage.row?.isAmbiguous == true)
        stage.clock.advance(by: .milliseconds(5_001))
        #expect(
            try await stage.claim(stage.one, isAmbiguous: true, decidedUnder: first.fence) == nil,
            "somebody else has had the job since")
        let call = try await stage.claim(stage.two, isAmbiguous: true, decidedUnder: question.fence)
        #expect(call.map { $0.fence != question.fence } == true)
    }

    @Test("of a worker that was overtaken only the proof that the user has left is believed")
    func fenced() async throws {
        let stage = Stage()
        let leases = try await stage.takenOver()
        let row = stage.row
        let records = [
            Self.ended(), Sample.parked(Sample.arrival()), .postponed(Sample.arrival(), due: Sample.late),
            .finished(
                Sample.arrival(), Sample.result(outcome: .failed, reason: .leaveRefused), attempts: 1,
                isAmbiguous: false, needsDeadLetter: true),
        ]
        for record in records {
            #expect(try await stage.one.record(record, under: leases.one, isUnheard: false) == .fenced)
        }
        #expect(stage.row == row)
        let left = Sample.finished(Sample.arrival(), body: "of one")
        #expect(try await stage.one.record(left, under: leases.one, isUnheard: false) == .copy(0))
        let late = Sample.finished(Sample.arrival(), body: "of two")
        #expect(try await stage.two.record(late, under: leases.two, isUnheard: false) == .alreadyEnded)
        guard case .finished(let finished) = try await stage.look(stage.two) else {
            Issue.record("it has ended")
            return
        }
        #expect(finished.result.body == Array("of one".utf8), "a generation has one body")
    }

    @Test("a process that ended in the call counts against the job until it turns out to live")
    func deaths() async throws {
        let stage = Stage()
        let first = try #require(try await stage.claim(stage.one))
        stage.jobs.noteEnd(of: stage.one)
        stage.clock.advance(by: .milliseconds(5_001))
        let second = try #require(try await stage.claim(stage.two, kind: .albumQuery, isAmbiguous: true))
        #expect(stage.row?.deaths == 1)
        #expect(try await stage.one.record(Self.ended(), under: first, isUnheard: false) == .fenced)
        #expect(stage.row?.deaths == 0)
        let cutOff = Stage()
        _ = try await cutOff.takenOver()
        #expect(cutOff.row?.deaths == 0, "it may only have been paused")
        #expect(second.fence != first.fence)
    }

    // MARK: Other ends

    @Test("neither a cancel nor a loss ends a job while a call may be on its way")
    func otherEnds() async throws {
        let stage = Stage()
        _ = try await stage.one.record(Sample.parked(Sample.arrival()), under: nil, isUnheard: false)
        stage.one.mark(.copy(1), of: JobID("job-1"), generation: 0)
        stage.clock.advance(by: .seconds(151))
        let late = Sample.start + .seconds(151)
        let overdue = try #require(try await stage.two.overdue(before: late, limit: 1).first)
        // An older delivery takes the lost copy's place. It stays overdue.
        #expect(try await stage.claim(stage.one) != nil)
        let result = Sample.result(outcome: .failed, reason: .cancelled)
        #expect(try await !stage.two.finishLost(overdue, result: result))
        let seen = try #require(try await stage.two.overdue(before: late, limit: 1).first)
        #expect(try await !stage.two.finishLost(seen, result: result))
        let row = try #require(stage.row)
        let cancelled = CancelledJob(
            jobID: row.jobID, account: row.account, open: row.open, hasCalled: true, revision: row.revision)
        #expect(try await !stage.two.finishCancelled(cancelled, result: result))
        stage.clock.advance(by: .milliseconds(5_001))
        #expect(try await stage.two.finishLost(seen, result: result))
    }
}
