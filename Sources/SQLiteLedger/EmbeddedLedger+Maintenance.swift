import CSQLite
package import Clocks
import Concurrency
package import Jobs
package import Ledger

extension EmbeddedLedger {
    /// Rows in one slice of pruning or forgetting: about ten milliseconds, so that no job waits long behind it.
    private static let slice = 100

    private static let isSettled = """
        finished = 1 AND letter_published = 1
        AND NOT EXISTS (SELECT 1 FROM owed WHERE owed.job_id = jobs.job_id)
        """
    // In the order of their results, which are found by their time.
    private static let selectSettled = SQL(
        """
        SELECT number FROM results CROSS JOIN jobs ON number = job AND results.generation = jobs.generation
        WHERE completed < ?1 AND changed < ?1 AND \(isSettled) ORDER BY completed LIMIT ?2
        """)

    // MARK: Pruning

    /// Removes jobs that ended before `time` and owe the broker nothing, with results and histories; then days and
    /// holds that ended before it. Open jobs and what is not marked published stay. Returns how many jobs went.
    package func prune(before time: Timestamp) async throws(LedgerError) -> Int {
        var total = 0
        while !Task.isCancelled {
            let removed = try await write { rows throws(SQLiteFault) in
                let settled = try rows.connection.query(
                    Self.selectSettled, bind: { $0.bind(1, time).bind(2, Self.slice) }, Self.number)
                return try Self.remove(settled, rows)
            }
            total += removed
            if removed < Self.slice { break }
        }
        try await write { rows throws(SQLiteFault) in
            for table in ["days WHERE at", "holds WHERE until", "cancels WHERE at"] {
                let deletion = try rows.connection.statement("DELETE FROM \(table) < ?1")
                deletion.bind(1, time)
                try deletion.run()
            }
        }
        return total
    }

    // MARK: Forgetting

    /// Removes everything about a job, and overwrites it in the file and its log. A later delivery of it is a fresh
    /// job.
    package func forget(_ id: JobID) async throws(LedgerError) -> ForgetAnswer {
        let answer = try await write { rows throws(SQLiteFault) -> ForgetAnswer in
            guard let row = try rows.load(id) else { return .unknown }
            return try Self.removeSettled([row.number], rows) > 0 ? .forgotten : .needed
        }
        try await emptyLog()
        return answer
    }

    /// Does that for every job of an account. `needed` are those that stay: see `ForgetAnswer.needed`.
    package func forget(account: AccountID) async throws(LedgerError) -> (forgotten: Int, needed: Int) {
        var total = 0
        var needed: Int
        repeat {
            // The search is beside the writer, and only what it found is the writer's work.
            let found = try await readBeside { reader throws(LedgerError) in try reader.numbers(of: account) }
            var removed = 0
            for start in stride(from: 0, to: found.count, by: Self.slice) where !Task.isCancelled {
                let slice = Array(found[start..<min(start + Self.slice, found.count)])
                removed += try await write { rows throws(SQLiteFault) in try Self.removeSettled(slice, rows) }
            }
            total += removed
            needed = found.count - removed
            // Others of its jobs may have ended meanwhile.
            if removed == 0 { break }
        } while !Task.isCancelled
        try await emptyLog()
        return (total, needed)
    }

    /// The log still has pages as they were before. A reader that is at work keeps it until the next checkpoint.
    private func emptyLog() async throws(LedgerError) {
        try await submit { .emptyLog($0) }
    }

    private static func number(_ row: SQLiteStatement) -> Int { row.int(0) }

    private static let selectOneSettled = SQL("SELECT number FROM jobs WHERE number = ?1 AND \(isSettled)")
    private static let removals = [
        "cancels WHERE job_id = (SELECT job_id FROM jobs WHERE number = ?1)",
        // See `SQLiteRows.mark`.
        "cancels WHERE job_id = (SELECT CAST('!' || job_id AS BLOB) FROM jobs WHERE number = ?1)",
        "results WHERE job = ?1", "history WHERE job = ?1", "jobs WHERE number = ?1",
    ].map { SQL("DELETE FROM \($0)") }

    private static func removeSettled(_ numbers: [Int], _ rows: SQLiteRows) throws(SQLiteFault) -> Int {
        var settled: [Int] = []
        for number in numbers {
            settled += try rows.connection.query(selectOneSettled, bind: { $0.bind(1, number) }, Self.number)
        }
        return try remove(settled, rows)
    }

    private static func remove(_ numbers: [Int], _ rows: SQLiteRows) throws(SQLiteFault) -> Int {
        for number in numbers {
            for removal in removals {
                let deletion = try rows.connection.statement(removal)
                deletion.bind(1, number)
                try deletion.run()
            }
        }
        try rows.countRemoved(numbers.count)
        return numbers.count
    }

    // MARK: Histories

    /// Adds a line to a job's history, and answers when it is durable. `note` is for what may be lost.
    package func write(_ event: JobEvent) async throws(LedgerError) {
        try await write { rows throws(SQLiteFault) in try rows.add(event) }
    }

    /// Where each of these jobs stands, in their order. Read beside the writer.
    package func statuses(of ids: [JobID]) async throws(LedgerError) -> [JobStatus] {
        try await readBehindLines { reader throws(LedgerError) in try reader.statuses(of: ids) }
    }

    // MARK: Its place

    package var kind: LedgerKind { .sqlite }

    package var place: String { path }

    package var member: MemberIdentity? { nil }

    package var sharedReading: SharedLedgerReading? { nil }

    package func condition() async throws(LedgerError) -> DatabaseCondition? { nil }

    /// Nobody else is told.
    package func drain() {}

    package func members() async throws(LedgerError) -> [ClusterMember] { [] }

    package func diskFreeBytes() async -> Int? {
        // A file system that hangs must not take a thread of the pool with it.
        await NativeThread.offload("disk") { [path] in LedgerDisk.freeBytes(path: path) }
    }

    // MARK: Holds

    /// Notes a hold for the histories and ages of the jobs that it stopped: at its start with `until` nil, and again at
    /// its end. A post; while nothing can be written it waits in memory.
    package func recordHold(_ cause: HoldCause, since: Timestamp, until: Timestamp?, detail: String) {
        thread.post(.hold(HoldRecord(cause: cause, since: since, until: until, detail: detail)))
    }

    /// Holds that lasted at some time between the two, oldest first.
    package func holds(from start: Timestamp, to end: Timestamp) async throws(LedgerError) -> [HoldRecord] {
        try await readBehindLines { reader throws(LedgerError) in try reader.holds(from: start, to: end) }
    }

    // MARK: Readers beside the thread

    /// All that is known of a job, or nil.
    package func history(of id: JobID) async throws(LedgerError) -> JobRecord? {
        try await readBehindLines { reader throws(LedgerError) in try reader.history(of: id) }
    }

    /// Stored results in the order of their completion, from `time` on, or after `last` of the page before.
    package func results(
        since time: Timestamp, after last: ResultCursor? = nil, limit: Int
    ) async throws(LedgerError) -> [UnpublishedResult] {
        try await readBeside { reader throws(LedgerError) in
            try reader.results(since: time, after: last, limit: limit)
        }
    }

    /// The results of one job, a generation each, oldest first.
    package func results(of id: JobID) async throws(LedgerError) -> [StoredResult] {
        try await readBeside { reader throws(LedgerError) in try reader.results(of: id) }
    }

    /// The full check; empty if all is well. Takes seconds for millions of jobs.
    package func verify() async throws(LedgerError) -> [String] {
        try await readBeside { reader throws(LedgerError) in try reader.faults() }
    }

    /// Copies the ledger into `target` while jobs go on, checks the copy, and notes the time.
    package func backUp(to target: String) async throws(LedgerError) {
        let now = clock.wall()
        try await readBeside { reader throws(LedgerError) in try reader.backUp(to: target) }
        try await write { rows throws(SQLiteFault) in try rows.setMeta(.lastBackup, to: now) }
    }

    /// The lines that wait for a commit are written first, if they can be.
    private func readBehindLines<Answer: Sendable>(
        _ body: @escaping @Sendable (LedgerReader) throws(LedgerError) -> Answer
    ) async throws(LedgerError) -> Answer {
        _ = try? await write { _ in }
        return try await readBeside(body)
    }

    /// On a thread and a connection of its own: neither jobs nor the cooperative pool wait for it.
    private func readBeside<Answer: Sendable>(
        _ body: @escaping @Sendable (LedgerReader) throws(LedgerError) -> Answer
    ) async throws(LedgerError) -> Answer {
        let (openFiles, lock) = (self.openFiles, self.lock)
        let result = await withCheckedContinuation { (reply: LedgerOperation.Reply<Answer>) in
            do throws(SystemCallError) {
                _ = try NativeThread(name: "ledger-reader", detached: true) {
                    let result = lock.whileOpen { Self.read(openFiles, body) }
                    reply.resume(returning: result)
                }
            } catch {
                reply.resume(returning: .failure(.unavailable(error.description)))
            }
        }
        return try result.get()
    }

    /// A reader opens by name what the writer has open: while that is another file, there is nothing to read.
    private static func read<Answer>(
        _ openFiles: OpenLedger, _ body: (LedgerReader) throws(LedgerError) -> Answer
    ) -> Result<Answer, LedgerError> {
        do throws(LedgerError) {
            try openFiles.requireInPlace()
            let reader = try LedgerReader(path: openFiles.path)
            try openFiles.requireInPlace()
            return .success(try body(reader))
        } catch {
            return .failure(error)
        }
    }
}
