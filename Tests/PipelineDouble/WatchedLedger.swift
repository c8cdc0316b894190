public import Jobs
public import Ledger
public import Threads

/// A ledger whose answers are waited for, and which can refuse to commit.
public final class WatchedLedger: Ledger {
    public let inner: SQLiteLedger
    private let activity: Activity
    private let refusal = Lock<(isRefusing: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    public init(_ inner: SQLiteLedger, activity: Activity) {
        self.inner = inner
        self.activity = activity
    }

    /// Until `accept`, looks and claims are refused and records wait, as with a disk that is full.
    public func refuse() { refusal.withLock { $0.isRefusing = true } }

    public func accept() {
        let waiting = refusal.withLock { state in
            state.isRefusing = false
            defer { state.waiting = [] }
            return state.waiting
        }
        waiting.forEach { $0.resume() }
    }

    private func check() throws(LedgerError) {
        if refusal.withLock({ $0.isRefusing }) { throw .unavailable("the disk is full") }
    }

    private func ask<Answer: Sendable>(
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

    public func look(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> Finding {
        try check()
        return try await ask { () async throws(LedgerError) in try await self.inner.look(arrival, at: now) }
    }

    public func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        try check()
        return try await ask { () async throws(LedgerError) in try await self.inner.claim(claim) }
    }

    public func record(_ record: Record) async throws(LedgerError) -> Int {
        await withCheckedContinuation { continuation in
            let mayGoOn = refusal.withLock { state in
                if state.isRefusing { state.waiting.append(continuation) }
                return !state.isRefusing
            }
            if mayGoOn { continuation.resume() }
        }
        return try await ask { () async throws(LedgerError) in try await self.inner.record(record) }
    }

    public func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool {
        try await ask { () async throws(LedgerError) in try await self.inner.cancel(jobID, at: now) }
    }

    public func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer {
        try check()
        return try await ask { () async throws(LedgerError) in
            try await self.inner.cancelForGood(jobID, newest: generation, at: now)
        }
    }

    public func finishCancelled(_ job: CancelledJob, result: StoredResult) async throws(LedgerError) -> Bool {
        try await ask { () async throws(LedgerError) in try await self.inner.finishCancelled(job, result: result) }
    }

    public func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        inner.mark(part, of: jobID, generation: generation)
    }

    public func note(_ event: JobEvent) { inner.note(event) }

    public func count(of day: String) async throws(LedgerError) -> DayCount {
        try await ask { () async throws(LedgerError) in try await self.inner.count(of: day) }
    }

    public func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [OwedResult] {
        try await ask { () async throws(LedgerError) in
            try await self.inner.unpublishedResults(after: last, limit: limit)
        }
    }

    public func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        try await ask { () async throws(LedgerError) in try await self.inner.overdue(before: time, limit: limit) }
    }

    public func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        try await ask { () async throws(LedgerError) in try await self.inner.finishLost(job, result: result) }
    }

    public func knowsSuccess() async throws(LedgerError) -> Bool {
        try await ask { () async throws(LedgerError) in try await self.inner.knowsSuccess() }
    }

    public func statistics() async throws(LedgerError) -> LedgerStatistics { try await inner.statistics() }
}
