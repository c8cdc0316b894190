import Clocks
import Jobs
import SharedLedger
import Testing

@testable import Ledger

/// A claim of which nothing was sent is taken back, and leaves nothing.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct WithdrawalTests {
    private func withEach(_ body: (any JobLedger) async throws -> Void) async throws {
        for kind in LedgerUnderTest.Kind.allCases { try await withLedger(kind, body) }
        try await body(SharedMemoryLedger(SharedJobs(), clock: StoppedClock()))
    }

    private func lease(_ answer: ClaimAnswer) throws -> Lease {
        guard case .claimed(_, let lease) = answer else {
            Issue.record("\(answer)")
            throw LedgerError.closed
        }
        return lease
    }

    @Test("the first call that is taken back was none: the job can be cancelled, and the day has the call again")
    func firstCall() async throws {
        try await withEach { ledger async throws in
            let arrival = Sample.arrival()
            let lease = try lease(try await ledger.claim(Sample.claim(arrival, presumesNew: true)))
            try await ledger.withdraw(lease, of: arrival.jobID, kind: .call, day: Sample.day)
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .resumed(Sample.open(called: false)))
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 0, albumQueries: 0))
            #expect(try await ledger.statistics().ambiguous == 0)
            #expect(try await ledger.cancel(arrival.jobID, at: Sample.start))
        }
    }

    @Test("one after a call that was heard leaves that one, and a question leaves the doubt that it was asked for")
    func later() async throws {
        try await withEach { ledger async throws in
            let arrival = Sample.arrival()
            let first = try lease(try await ledger.claim(Sample.claim(arrival)))
            let heard = Record.callEnded(arrival, attempts: 1, isAmbiguous: true, malformedAnswers: 0)
            try await ledger.record(heard, under: first, isUnheard: false)
            let open = Sample.open(attempts: 1, isAmbiguous: true)
            let question = Sample.claim(arrival, kind: .albumQuery, isAmbiguous: true)
            let asking = try lease(try await ledger.claim(question))
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 1))
            try await ledger.withdraw(asking, of: arrival.jobID, kind: .albumQuery, day: Sample.day)
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .resumed(open))
            let calling = try lease(try await ledger.claim(Sample.claim(arrival, isAmbiguous: true)))
            #expect(!calling.isFirstCall)
            try await ledger.withdraw(calling, of: arrival.jobID, kind: .call, day: Sample.day)
            #expect(try await ledger.lookUp(arrival, at: Sample.start) == .resumed(open))
            #expect(try await ledger.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 0))
        }
    }

    @Test("what another worker has claimed since is not taken back")
    func fenced() async throws {
        let (jobs, clock) = (SharedJobs(), StoppedClock())
        let one = SharedMemoryLedger(jobs, clock: clock)
        let two = SharedMemoryLedger(jobs, clock: clock)
        let lease = try lease(try await one.claim(Sample.claim(Sample.arrival())))
        clock.advance(by: .milliseconds(5_001))
        _ = try await two.claim(Sample.claim(Sample.arrival(), kind: .albumQuery, isAmbiguous: true))
        let row = jobs.row(JobID("job-1"))
        try await one.withdraw(lease, of: JobID("job-1"), kind: .call, day: Sample.day)
        #expect(jobs.row(JobID("job-1")) == row)
        #expect(try await two.count(of: Sample.day) == DayCount(calls: 1, albumQueries: 1))
    }
}
