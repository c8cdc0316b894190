import CSQLite
public import Jobs
public import Threads

extension SQLiteLedger {
    public func look(_ arrival: Arrival, at now: Timestamp) async throws(LedgerError) -> Finding {
        try await ask { .look(arrival, now, $0) }
    }

    public func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        try await ask { .claim(claim, $0) }
    }

    @discardableResult
    public func record(_ record: Record) async throws(LedgerError) -> Int {
        let now = clock.wall()
        return try await ask { .record(record, now, $0) }
    }

    public func cancel(_ jobID: JobID, at now: Timestamp) async throws(LedgerError) -> Bool {
        try await write { rows throws(SQLiteFault) in
            guard LedgerRules.mayCancel(try rows.load(jobID)) else { return false }
            try rows.cancel(jobID, .beforeCall, at: now)
            return true
        }
    }

    public func cancelForGood(
        _ jobID: JobID, newest generation: Int?, at now: Timestamp
    ) async throws(LedgerError) -> CancelAnswer {
        try await write { rows throws(SQLiteFault) in
            let row = try rows.load(jobID)
            var isFollowed = false
            if let row, row.isFinished {
                let isNewerInHand = generation.map { $0 > row.generation } ?? false
                isFollowed = isNewerInHand ? true : try rows.wasRedriven(row)
            }
            switch LedgerRules.cancelForGood(row, isFollowed: isFollowed) {
            case .remember:
                try rows.cancel(jobID, .always, at: now)
                return .remembered
            case .end(let job):
                try rows.cancel(jobID, .always, at: now)
                return .open(job)
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

    public func finishCancelled(
        _ job: CancelledJob, result: StoredResult
    ) async throws(LedgerError) -> Bool {
        let now = clock.wall()
        return try await ask { .finishCancelled(job, result, now, $0) }
    }

    public func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        // Refused only by a closed ledger: then the next delivery publishes once more, under the same message-id.
        thread.post(.mark(part, jobID, generation: generation))
    }

    public func note(_ event: JobEvent) {
        thread.post(.note(event))
    }

    public func count(of day: String) async throws(LedgerError) -> DayCount {
        try await read { rows throws(SQLiteFault) in try rows.count(of: day) }
    }

    public func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [OwedResult] {
        try await read { rows throws(SQLiteFault) in try rows.loadOwed(after: last, limit: limit) }
    }

    public func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        try await read { rows throws(SQLiteFault) in
            try rows.loadOverdue(before: time, limit: limit).map {
                OverdueJob(jobID: $0.jobID, account: $0.account, open: $0.open, revision: $0.revision)
            }
        }
    }

    public func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        let now = clock.wall()
        return try await ask { .finishLost(job, result, now, $0) }
    }

    public func knowsSuccess() async throws(LedgerError) -> Bool {
        try await read { rows throws(SQLiteFault) in try rows.knowsSuccess() }
    }

    public func statistics() async throws(LedgerError) -> LedgerStatistics {
        let now = clock.wall()
        return try await read { rows throws(SQLiteFault) in try LedgerStatistics.read(rows, at: now) }
    }

    // MARK: Asking the thread

    func ask<Answer: Sendable>(
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
        try await ask { reply in
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
        try await ask { reply in
            .write(
                { rows throws(SQLiteFault) in
                    let answer = try body(rows)
                    return { reply.resume(returning: .success(answer)) }
                }, refuse: { reply.resume(returning: .failure($0)) })
        }
    }
}
