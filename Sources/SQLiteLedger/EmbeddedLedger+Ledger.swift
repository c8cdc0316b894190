import CSQLite
package import Clocks
import Concurrency
package import Jobs
package import Ledger

extension EmbeddedLedger {
    package func lookUp(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> LookupResult {
        try await submit { .lookUp(arrival, now, $0) }
    }

    package func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        try await submit { .claim(claim, $0) }
    }

    @discardableResult
    package func record(
        _ record: Record, under lease: Lease?, isUnheard: Bool
    ) async throws(LedgerError) -> Recorded {
        let now = clock.wall()
        return try await submit { .record(record, lease, isUnheard: isUnheard, now, $0) }
    }

    package func withdraw(
        _ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String
    ) async throws(LedgerError) {
        let now = clock.wall()
        try await submit { .withdraw(lease, jobID, kind, day: day, now, $0) }
    }

    package func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool {
        try await write { rows throws(SQLiteFault) in
            guard LedgerRules.mayCancel(try rows.load(jobID)) else { return false }
            try rows.cancel(jobID, .beforeCall, at: now)
            return true
        }
    }

    package func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer {
        try await write { rows throws(SQLiteFault) in
            let row = try rows.load(jobID)
            var isFollowed = false
            if let row, row.isFinished {
                let isNewerInFlight = generation.map { $0 > row.generation } ?? false
                isFollowed = isNewerInFlight ? true : try rows.wasRedriven(row)
            }
            switch LedgerRules.cancelForGood(row, isFollowed: isFollowed, at: now) {
            case .remember:
                try rows.cancel(jobID, .always, at: now)
                return .remembered
            case .end(let job):
                try rows.cancel(jobID, .always, at: now)
                return .open(job)
            case .leased(let until): return .leased(until: until)
            case .hasEnded(let row):
                guard let result = try rows.loadResult(of: row, generation: row.generation)?.result else {
                    throw SQLiteFault(
                        code: SQLITE_ERROR, attempted: "cancelling job \(jobID)",
                        message: "it is finished and has no stored result")
                }
                return .ended(result)
            }
        }
    }

    package func finishCancelled(
        _ job: CancelledJob, result: StoredResult
    ) async throws(LedgerError) -> Bool {
        let now = clock.wall()
        return try await submit { .finishCancelled(job, result, now, $0) }
    }

    package func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        // Refused only by a closed ledger: then the next delivery publishes once more, under the same message-id.
        thread.post(.mark(part, jobID, generation: generation))
    }

    package func note(_ event: JobEvent) {
        thread.post(.note(event))
    }

    package func count(of day: String) async throws(LedgerError) -> DayCount {
        try await read { rows throws(SQLiteFault) in try rows.count(of: day) }
    }

    package func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [UnpublishedResult] {
        try await read { rows throws(SQLiteFault) in try rows.loadUnpublished(after: last, limit: limit) }
    }

    package func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        try await read { rows throws(SQLiteFault) in
            try rows.loadOverdue(before: time, limit: limit).map {
                OverdueJob(jobID: $0.jobID, account: $0.account, open: $0.open, revision: $0.revision)
            }
        }
    }

    package func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        let now = clock.wall()
        return try await submit { .finishLost(job, result, now, $0) }
    }

    package func knowsSuccess() async throws(LedgerError) -> Bool {
        try await read { rows throws(SQLiteFault) in try rows.knowsSuccess() }
    }

    package func statistics() async throws(LedgerError) -> LedgerStatistics {
        let now = clock.wall()
        return try await read { rows throws(SQLiteFault) in try LedgerStatistics.read(rows, at: now) }
    }

    // MARK: Asking the thread

    func submit<Answer: Sendable>(
        _ operation: (LedgerOperation.Reply<Answer>) -> LedgerOperation
    ) async throws(LedgerError) -> Answer {
        let result = await withCheckedContinuation { (reply: LedgerOperation.Reply<Answer>) in
            if !thread.post(operation(reply)) { reply.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }

    /// Reads on the ledger's thread, after all that was posted before.
    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (SQLiteRows) throws(SQLiteFault) -> Answer
    ) async throws(LedgerError) -> Answer {
        try await submit { reply in
            .read(
                { rows throws(SQLiteFault) in
                    let answer = try body(rows)
                    return { reply.resume(returning: .success(answer)) }
                }, refuse: { reply.resume(returning: .failure($0)) })
        }
    }

    /// Writes in the commit of its batch.
    func write<Answer: Sendable>(
        _ body: @escaping @Sendable (SQLiteRows) throws(SQLiteFault) -> Answer
    ) async throws(LedgerError) -> Answer {
        try await submit { reply in
            .write(
                { rows throws(SQLiteFault) in
                    let answer = try body(rows)
                    return { reply.resume(returning: .success(answer)) }
                }, refuse: { reply.resume(returning: .failure($0)) })
        }
    }
}
