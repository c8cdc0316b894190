package import Clocks
import Concurrency
package import Jobs
package import Ledger
import Secrets

extension DatabaseLedger {
    /// Jobs in one slice of pruning or forgetting, so that no job waits long behind it.
    private static let slice = 100

    // MARK: Pruning and forgetting

    package func prune(before time: Timestamp) async throws(LedgerError) -> Int {
        let member = try await ask(LedgerLines.barrier)
        var total = 0
        while !Task.isCancelled {
            let removed = try await reader.ask(JobRemoval.prune(before: time, most: Self.slice, member))
            total += removed
            if removed < Self.slice { break }
        }
        try await reader.ask(JobRemoval.pruneBeside(before: time))
        return total
    }

    /// What the database has of it besides, its own log and copies, is the database's administrator's.
    package func forget(_ id: JobID) async throws(LedgerError) -> ForgetAnswer {
        let (forgotten, known) = try await ask { JobRemoval.forget([id], $0) }
        if forgotten > 0 { return .forgotten }
        return known > 0 ? .needed : .unknown
    }

    package func forget(account: AccountID) async throws(LedgerError) -> (forgotten: Int, needed: Int) {
        let member = try await ask(LedgerLines.barrier)
        var total = 0
        var needed: Int
        repeat {
            let found = try await reader.ask(JobRemoval.jobs(of: account))
            var removed = 0
            for start in stride(from: 0, to: found.count, by: Self.slice) where !Task.isCancelled {
                let slice = Array(found[start..<min(start + Self.slice, found.count)])
                removed += try await reader.ask(JobRemoval.forget(slice, member)).forgotten
            }
            total += removed
            needed = found.count - removed
            // Others of its jobs may have ended meanwhile.
            if removed == 0 { break }
        } while !Task.isCancelled
        return (total, needed)
    }

    // MARK: Lines and holds

    package func write(_ event: JobEvent) async throws(LedgerError) {
        try await ask { _ in LedgerLines.writing(event) }
    }

    package func recordHold(_ cause: HoldCause, since: Timestamp, until: Timestamp?, detail: String) {
        let hold = HoldRecord(cause: cause, since: since, until: until, detail: detail)
        thread.post(.line { LedgerLines.saving(hold, epoch: $0.epoch) })
    }

    package func holds(from start: Timestamp, to end: Timestamp) async throws(LedgerError) -> [HoldRecord] {
        try await ask { _ in LedgerLines.holds(from: start, to: end) }
    }

    // MARK: Questions

    package var kind: LedgerKind { .postgresql }

    package func diskFreeBytes() async -> Int? { nil }

    package func statuses(of ids: [JobID]) async throws(LedgerError) -> [JobStatus] {
        let member = try await ask(LedgerLines.barrier)
        var statuses: [JobStatus] = []
        for start in stride(from: 0, to: ids.count, by: Self.slice) {
            let slice = Array(ids[start..<min(start + Self.slice, ids.count)])
            let jobs = try await reader.ask(JobLoading.question(slice, by: member))
            for id in slice {
                let job = jobs[id] ?? StoredJob()
                let result = job.row.flatMap { job.results[$0.generation]?.result }
                statuses.append(JobStatus(jobID: id, row: job.row, cancellation: job.cancellation, result: result))
            }
        }
        return statuses
    }

    /// The lines that wait for a batch are written first.
    package func history(of id: JobID) async throws(LedgerError) -> JobRecord? {
        let member = try await ask(LedgerLines.barrier)
        guard let job = try await reader.ask(JobLoading.question([id], by: member))[id], let row = job.row else {
            return nil
        }
        let events = try await reader.ask(LedgerLines.lines(of: id))
        let end = row.isFinished ? row.changedAt : Timestamp(milliseconds: .max)
        let holds = try await reader.ask(LedgerLines.holds(from: row.firstSeen, to: end))
        let records = job.results.sorted { $0.key < $1.key }.map(\.value)
        let state: JobRecord.State =
            row.isFinished
            ? .finished(
                resultIsPublished: records.allSatisfy(\.isPublished), deadLetterIsPublished: row.deadLetterIsPublished)
            : .open(row.open, isCalling: row.hasOpenIntent)
        return JobRecord(
            jobID: id, account: row.account, tokenHash: row.tokenHash.hexadecimal, generation: row.generation,
            attempts: row.attempts, isAmbiguous: row.isAmbiguous, firstSeen: row.firstSeen,
            firstCallAt: row.firstCallAt, changedAt: row.changedAt, state: state, results: records.map(\.result),
            events: events, holds: holds)
    }

    package func results(
        since time: Timestamp, after last: ResultCursor?, limit: Int
    ) async throws(LedgerError) -> [UnpublishedResult] {
        try await reader.ask(ReaderQuestions.results(since: time, after: last, limit: limit))
    }

    package func results(of id: JobID) async throws(LedgerError) -> [StoredResult] {
        let job = try await reader.ask(JobLoading.question([id], by: .nobody))[id]
        return (job?.results ?? [:]).sorted { $0.key < $1.key }.map(\.value.result)
    }

    /// Of a full check, which reads all.
    private static let checkTime = Duration.seconds(3_600)

    /// What must hold between the tables and does not. Whether its pages are whole is the database's own business.
    package func verify() async throws(LedgerError) -> [String] {
        try await reader.ask(ReaderQuestions.faults(), within: Self.checkTime)
    }

    package func backUp(to target: String) async throws(LedgerError) {
        throw .unusable(
            "the ledger at \(place) is saved with its database: use pg_dump for a copy, or pg_basebackup and its log")
    }

    package var sharedReading: SharedLedgerReading? {
        let counts = counts
        return SharedLedgerReading(
            takeovers: counts.takeovers, fencedRecords: counts.fencedRecords, lateEvidence: counts.lateEvidence,
            leasesHeld: counts.leases.count(at: clusterClock.wall()), unknownCommits: counts.unknownCommits,
            retries: PostgresError.Kind.undoneStates.reduce(into: counts.retries) { $0[$1, default: 0] += 0 },
            clockOffset: clusterClock.offset, differing: counts.differing, lostCommits: counts.lostCommits)
    }

    package var member: MemberIdentity? {
        epoch.map { MemberIdentity(name: memberName, epoch: $0) }
    }
}
