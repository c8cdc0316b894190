package import Clocks
import Concurrency
package import Jobs
package import Ledger

/// A ledger whose answers are waited for, and which can refuse to commit.
package final class WatchedLedger: JobLedger {
    package let inner: any JobLedger
    private let keeping: (any LedgerKeeping)?
    private let activity: Activity
    private let clock: ManualClock
    private let waitsForMarks: Bool
    private let delay = Lock(Duration.zero)
    private let refusal = Lock<(isRefusing: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    /// - Parameter waitsForMarks: whether the clock stands until a mark can be read by others, too.
    init(_ ledger: HarnessLedger, activity: Activity, clock: ManualClock, waitsForMarks: Bool = false) {
        self.clock = clock
        self.waitsForMarks = waitsForMarks
        inner = ledger.jobs
        keeping = ledger.keeping
        self.activity = activity
    }

    /// What operators ask. Not of the one in memory: such a test is for the kinds that keep all.
    package var kept: any LedgerKeeping {
        guard let keeping else { preconditionFailure("this ledger has only what the pipeline needs") }
        return keeping
    }

    package var sharesAccounts: Bool { inner.sharesAccounts }

    package func noteRefusal(
        of account: AccountID, for cause: AccountWaitCause, atLeast minimum: Duration
    ) async throws(LedgerError) -> Timestamp? {
        try await perform { () async throws(LedgerError) in
            try await self.inner.noteRefusal(of: account, for: cause, atLeast: minimum)
        }
    }

    /// Until `accept`, looks and claims are refused and records wait, as with a disk that is full.
    package func refuse() { refusal.withLock { $0.isRefusing = true } }

    package func accept() {
        let waiting = refusal.withLock { state in
            state.isRefusing = false
            defer { state.waiting = [] }
            return state.waiting
        }
        waiting.forEach { $0.resume() }
    }

    /// From now on claims and questions are answered so much later.
    package func slowDown(by time: Duration) { delay.withLock { $0 = time } }

    private func waitAsLong() async {
        let time = delay.withLock { $0 }
        if time > .zero { await clock.sleep(for: time) }
    }

    private func check() throws(LedgerError) {
        if refusal.withLock({ $0.isRefusing }) { throw .unavailable("the disk is full") }
    }

    private func perform<Answer: Sendable>(
        _ body: @Sendable () async throws(LedgerError) -> Answer
    ) async throws(LedgerError) -> Answer {
        let result: Result<Answer, LedgerError> = await activity.during {
            do throws(LedgerError) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    package func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult {
        try check()
        return try await perform { () async throws(LedgerError) in try await self.inner.lookUp(arrival, at: now) }
    }

    package func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        try check()
        let answer = try await perform { () async throws(LedgerError) in try await self.inner.claim(claim) }
        await waitAsLong()
        return answer
    }

    package func record(
        _ record: Record, under lease: Lease?, isUnheard: Bool
    ) async throws(LedgerError) -> Recorded {
        await withCheckedContinuation { continuation in
            let mayGoOn = refusal.withLock { state in
                if state.isRefusing { state.waiting.append(continuation) }
                return !state.isRefusing
            }
            if mayGoOn { continuation.resume() }
        }
        return try await perform { () async throws(LedgerError) in
            try await self.inner.record(record, under: lease, isUnheard: isUnheard)
        }
    }

    package func withdraw(
        _ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String
    ) async throws(LedgerError) {
        try await perform { () async throws(LedgerError) in
            try await self.inner.withdraw(lease, of: jobID, kind: kind, day: day)
        }
    }

    package func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool {
        try await perform { () async throws(LedgerError) in try await self.inner.cancel(jobID, at: now) }
    }

    package func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer {
        try check()
        return try await perform { () async throws(LedgerError) in
            try await self.inner.cancelForGood(jobID, newest: generation, at: now)
        }
    }

    package func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool {
        try await perform { () async throws(LedgerError) in try await self.inner.finishCancelled(job, result: result) }
    }

    package func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        inner.mark(part, of: jobID, generation: generation)
        guard waitsForMarks else { return }
        activity.begin()
        Task {
            // What is asked comes behind what was marked.
            _ = try? await inner.knowsSuccess()
            activity.end()
        }
    }

    package func note(_ event: JobEvent) { inner.note(event) }

    package func count(of day: String) async throws(LedgerError) -> DayCount {
        try await perform { () async throws(LedgerError) in try await self.inner.count(of: day) }
    }

    package func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult] {
        try await perform { () async throws(LedgerError) in
            try await self.inner.unpublishedResults(after: last, limit: limit)
        }
    }

    package func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        try await perform { () async throws(LedgerError) in try await self.inner.overdue(before: time, limit: limit) }
    }

    package func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        try await perform { () async throws(LedgerError) in try await self.inner.finishLost(job, result: result) }
    }

    package func knowsSuccess() async throws(LedgerError) -> Bool {
        try await perform { () async throws(LedgerError) in try await self.inner.knowsSuccess() }
    }

    package func commitTrial() async throws(LedgerError) {
        try await perform { () async throws(LedgerError) in try await self.inner.commitTrial() }
        await waitAsLong()
    }

    package func statistics() async throws(LedgerError) -> LedgerStatistics {
        try await perform { () async throws(LedgerError) in try await self.inner.statistics() }
    }
}
