import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// What SQLite's ledger alone knows of cancelled jobs.
@Suite(.timeLimit(.minutes(30))) struct CancelTests {
    private let id = JobID("job-1")

    @Test func theLastWordOutlivesTheProcessAndIsSpentWithTheJob() async throws {
        let folder = TemporaryFolder()
        let lock = try #require(try LedgerLock.take(ledger: folder.ledger))
        let first = try EmbeddedLedger.opened(folder, lock: lock)
        #expect(try await first.cancelForGood(id, newest: nil, at: Sample.start) == .remembered)
        #expect(try await first.cancel(JobID("job-2"), at: Sample.start))
        await first.close(within: EmbeddedLedger.closeTime)
        let second = try EmbeddedLedger.opened(folder, lock: lock)
        #expect(try await second.lookUp(Sample.arrival(attempts: 1), at: Sample.start) == .cancelled(nil))
        #expect(
            try await second.lookUp(Sample.arrival("job-2", attempts: 1), at: Sample.start)
                == .fresh(isAmbiguous: false, predecessor: nil), "a publisher's word does not end what has called")
        #expect(try LedgerReader(path: folder.ledger).statuses(of: [id]).map(\.state) == [.cancelled])
        try await second.record(Sample.finished(Sample.arrival()))
        let left = try await second.read { rows throws(SQLiteFault) in
            try rows.connection.query(SQL("SELECT count(*) FROM cancels"), bind: { _ in }, { $0.int(0) })
        }
        #expect(left == [1], "that of job-2")
        await second.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aGenerationThatWasRedrivenEndsWhenItComes() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.finished(Sample.arrival(), needsDeadLetter: true))
        #expect(try await ledger.cancelForGood(id, newest: nil, at: Sample.start) == .ended(Sample.result()))
        try await ledger.write(
            JobEvent(jobID: id, generation: 0, at: Sample.start, kind: "redriven", detail: "as generation 1"))
        #expect(try await ledger.cancelForGood(id, newest: nil, at: Sample.start) == .remembered)
        guard case .cancelled = try await ledger.lookUp(Sample.arrival(generation: 1), at: Sample.start) else {
            Issue.record("the redriven one would call")
            return
        }
        // It ends, and nobody has redriven that one.
        try await ledger.record(Sample.finished(Sample.arrival(generation: 1), body: "next"))
        #expect(
            try await ledger.cancelForGood(id, newest: nil, at: Sample.start)
                == .ended(Sample.result(generation: 1, body: "next")))
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    /// `ledger forget` leaves nothing of it.
    @Test func whatIsForgottenHasNoWordLeft() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.finished(Sample.arrival()))
        ledger.mark(.result, of: id, generation: 0)
        #expect(try await ledger.cancelForGood(id, newest: 1, at: Sample.start) == .remembered)
        #expect(try await ledger.forget(id) == .forgotten)
        let left = try await ledger.read { rows throws(SQLiteFault) in
            try rows.connection.query(SQL("SELECT count(*) FROM cancels"), bind: { _ in }, { $0.int(0) })
        }
        #expect(left == [0])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    /// The claim of a delivery that took an overdue copy's place, and was cut off.
    @Test func aLostJobKeepsItsDoubt() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await ledger.record(Sample.parked(Sample.arrival(), attempts: 1))
        ledger.mark(.copy(1), of: id, generation: 0)
        guard case .claimed = try await ledger.claim(Sample.claim(Sample.arrival(), at: Sample.late)) else {
            Issue.record("it is overdue")
            return
        }
        let lost = try #require(try await ledger.overdue(before: Sample.late, limit: 1).first)
        #expect(try await ledger.finishLost(lost, result: Sample.result(outcome: .failed, reason: .jobLost)))
        #expect(
            try await ledger.lookUp(Sample.arrival(generation: 1), at: Sample.late)
                == .fresh(isAmbiguous: true, predecessor: nil))
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    /// Of what the ledger knows, and under the message-id of its generation.
    @Test func theResultSaysWhetherACallBegan() throws {
        for hasCalled in [false, true] {
            let job = CancelledJob(
                jobID: id, account: AccountID("anna"), open: Sample.open(generation: 2, attempts: 3),
                hasCalled: hasCalled, revision: 0)
            let stored = job.result(at: Sample.start + .seconds(5))
            #expect(stored.messageID == "job-1#2" && stored.correlationID == "job-1")
            let result = try JobResult.decode(stored.body)
            #expect(result.outcome == .failed && result.reason == .cancelled && result.attempts == 3)
            #expect(result.effect == (hasCalled ? .unknown : .notLeft))
            #expect(result.durationMs == 5_000)
        }
    }
}
