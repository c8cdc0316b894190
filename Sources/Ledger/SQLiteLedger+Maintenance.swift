public import Jobs
public import Threads

extension SQLiteLedger {
    /// Rows in one slice of pruning or forgetting: a few milliseconds, so that jobs do not wait behind it.
    private static let slice = 500

    /// Removes finished jobs that ended before `time` and owe the broker nothing, with results and history. Open jobs
    /// and what is not marked published stay. Returns how many went.
    public func prune(before time: Timestamp) async throws(LedgerError) -> Int {
        var total = 0
        while !Task.isCancelled {
            let removed = try await write { connection throws(SQLiteFault) in
                let statement = try connection.statement(
                    """
                    SELECT job_id FROM jobs WHERE finished = 1 AND changed < ?1 AND result_published = 1
                    AND letter_published = 1 LIMIT ?2
                    """)
                statement.bind(1, time).bind(2, Self.slice)
                return try Self.remove(statement, connection)
            }
            total += removed
            if removed < Self.slice { break }
        }
        return total
    }

    /// Removes everything about a job. A later delivery of it is a fresh job. False if there is none, or if it is
    /// open: its copy in the broker would be called again without a memory.
    public func forget(_ id: JobID) async throws(LedgerError) -> Bool {
        try await write { connection throws(SQLiteFault) in
            let statement = try connection.statement("SELECT job_id FROM jobs WHERE job_id = ?1 AND finished = 1")
            statement.bind(1, id.utf8)
            return try Self.remove(statement, connection) > 0
        }
    }

    /// Removes every finished job of an account. Returns how many went.
    public func forget(account: AccountID) async throws(LedgerError) -> Int {
        var total = 0
        while !Task.isCancelled {
            let removed = try await write { connection throws(SQLiteFault) in
                let statement = try connection.statement(
                    "SELECT job_id FROM jobs WHERE account = ?1 AND finished = 1 LIMIT ?2")
                statement.bind(1, account.utf8).bind(2, Self.slice)
                return try Self.remove(statement, connection)
            }
            total += removed
            if removed < Self.slice { break }
        }
        return total
    }

    private static func remove(
        _ selection: SQLiteStatement, _ connection: SQLiteConnection
    ) throws(SQLiteFault) -> Int {
        var ids: [[UInt8]] = []
        while try selection.step() { ids.append(selection.blob(0)) }
        selection.reset()
        for id in ids {
            for table in ["results", "history", "jobs"] {
                let deletion = try connection.statement("DELETE FROM \(table) WHERE job_id = ?1")
                deletion.bind(1, id)
                try deletion.run()
            }
        }
        return ids.count
    }

    /// Notes a hold for the stories of the jobs that it stopped. A post.
    public func recordHold(_ cause: HoldCause, since: Timestamp, until: Timestamp?, detail: String) {
        mailbox.post(
            .write(
                { connection throws(SQLiteFault) in
                    let statement = try connection.statement(
                        """
                        INSERT INTO holds (cause, since, until, detail) VALUES (?1, ?2, ?3, ?4)
                        ON CONFLICT (cause, since) DO UPDATE SET until = ?3, detail = ?4
                        """)
                    statement.bind(1, cause.rawValue).bind(2, since).bind(3, until).bind(4, detail)
                    try statement.run()
                    return {}
                }, refuse: { _ in }))
    }

    /// The stored results completed at `time` or later, page by page.
    public func results(
        since time: Timestamp, after last: Timestamp, limit: Int
    ) async throws(LedgerError) -> [OwedResult] {
        try await read { rows throws(SQLiteFault) in
            try rows.resultsCompleted(since: time, after: last, limit: limit)
        }
    }

    public func statistics() async throws(LedgerError) -> LedgerStatistics {
        let path = self.path
        let now = clock.wall()
        return try await read { rows throws(SQLiteFault) in
            try LedgerStatistics.read(rows.connection, path: path, at: now)
        }
    }

    /// Commits and what was in them, since the start.
    public var commits: (count: Int, operations: Int) {
        let reading = gauge.reading
        return (reading.commits, reading.operations)
    }
}
