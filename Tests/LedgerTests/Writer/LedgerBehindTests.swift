import Clocks
import Concurrency
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// Copies that know more of their job than the ledger: it was lost, or an older one was put in its place.
@Suite(.timeLimit(.minutes(30))) struct LedgerBehindTests {
    private static func row(copy: Int = 0, attempts: Int = 0, isAmbiguous: Bool = false) -> LedgerRow {
        var row = LedgerRow(Sample.arrival(copy: copy), after: nil, at: Sample.start)
        row.attempts = attempts
        row.isAmbiguous = isAmbiguous
        return row
    }

    @Test func whatALedgerWithoutTheJobMustHaveKnown() {
        #expect(!LedgerRules.isBehind(nil, Sample.arrival()))
        #expect(LedgerRules.isBehind(nil, Sample.arrival(copy: 1)))
        #expect(LedgerRules.isBehind(nil, Sample.arrival(attempts: 1)))
        #expect(LedgerRules.isBehind(nil, Sample.arrival(isAmbiguous: true)))
        // A letter is redriven years later, when its job is long pruned.
        #expect(!LedgerRules.isBehind(nil, Sample.arrival(generation: 1, isAmbiguous: true)))
        #expect(LedgerRules.isBehind(nil, Sample.arrival(generation: 1, copy: 1)))
    }

    @Test func whatAnOlderRowMustHaveKnown() {
        #expect(!LedgerRules.isBehind(Self.row(copy: 2, attempts: 2), Sample.arrival(copy: 2, attempts: 2)))
        #expect(!LedgerRules.isBehind(Self.row(copy: 3, attempts: 2), Sample.arrival(copy: 2, attempts: 2)))
        #expect(LedgerRules.isBehind(Self.row(copy: 1, attempts: 2), Sample.arrival(copy: 2, attempts: 2)))
        #expect(LedgerRules.isBehind(Self.row(copy: 2, attempts: 1), Sample.arrival(copy: 2, attempts: 2)))
        #expect(LedgerRules.isBehind(Self.row(), Sample.arrival(isAmbiguous: true)))
        #expect(!LedgerRules.isBehind(Self.row(isAmbiguous: true), Sample.arrival(isAmbiguous: true)))
        var calling = Self.row()
        calling.hasOpenIntent = true
        #expect(!LedgerRules.isBehind(calling, Sample.arrival(isAmbiguous: true)), "an open intent is as much")
        // The job is another's, or has ended: it says nothing of the ledger.
        #expect(!LedgerRules.isBehind(Self.row(), Sample.arrival(account: "bert", copy: 1)))
        var ended = Self.row()
        ended.finish(needsDeadLetter: false)
        #expect(!LedgerRules.isBehind(ended, Sample.arrival(copy: 1)))
        // Of a newer generation the row knows nothing: each has a record before its first copy.
        #expect(LedgerRules.isBehind(ended, Sample.arrival(generation: 1, copy: 1)))
        #expect(!LedgerRules.isBehind(ended, Sample.arrival(generation: 1)))
    }

    @Test func eachSuchCopyIsReportedOnceAfterItsCommit() async throws {
        let folder = TemporaryFolder()
        let reported = Lock<[String]>([])
        let ledger = try EmbeddedLedger.opened(
            folder, onBehind: { arrival in reported.withLock { $0.append(arrival.jobID.string) } })
        let lost = Sample.arrival("lost", copy: 2, attempts: 1)
        _ = try await ledger.lookUp(lost, at: Sample.start)
        _ = try await ledger.lookUp(lost, at: Sample.start)
        #expect(reported.withLock { $0 } == [], "as often as it waits for its turn")
        _ = try await ledger.claim(Sample.claim(lost))
        #expect(reported.withLock { $0 } == ["lost"])
        try await ledger.record(Sample.parked(lost))
        try await ledger.record(Sample.finished(Sample.arrival("lost", copy: 3, attempts: 1)))
        #expect(reported.withLock { $0 } == ["lost"])
        try await ledger.record(Sample.finished(Sample.arrival("expired", copy: 1, attempts: 1)))
        #expect(reported.withLock { $0 } == ["lost", "expired"], "also without a call")
        _ = try await ledger.claim(Sample.claim(Sample.arrival("new")))
        #expect(reported.withLock { $0 } == ["lost", "expired"])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }
}
