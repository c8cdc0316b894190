import CLinux
import Glibc
public import Jobs
public import Threads

/// The embedded ledger: one SQLite file, one writing thread, readers beside it.
public final class SQLiteLedger: Ledger {
    /// How safe an answer is.
    public enum Durability: String, Sendable {
        /// Against loss of power: each commit is flushed to the disk.
        case full
        /// Against kill -9: the kernel has it.
        case normal
    }

    public let path: String
    let mailbox: Mailbox<LedgerOperation>
    let clock: any Timekeeper
    let gauge: LedgerGauge
    private let thread: NativeThread
    // Kept for as long as the ledger lives.
    private let lock: LedgerLock

    /// Opens or makes the file, brings it to the current schema and starts the thread. `lock` is of the same path.
    /// `onHealth` and `onCommit` are called on the ledger's thread.
    public init(
        path: String, durability: Durability, lock: LedgerLock, clock: any Timekeeper = SystemTimekeeper(),
        onHealth: @escaping @Sendable (LedgerHealth) -> Void = { _ in },
        onCommit: @escaping @Sendable (_ operations: Int, _ took: Duration) -> Void = { _, _ in }
    ) throws(LedgerError) {
        self.path = path
        self.clock = clock
        self.lock = lock
        gauge = LedgerGauge(onCommit: onCommit)
        let mailbox: Mailbox<LedgerOperation>
        do throws(SystemCallError) {
            mailbox = try Mailbox()
        } catch {
            throw .unavailable(error.description)
        }
        self.mailbox = mailbox
        // Opened here first, so that a file that is of no use is an error of this init and not of a thread.
        try Self.prepare(path, durability)
        let gauge = self.gauge
        do throws(SystemCallError) {
            thread = try NativeThread(name: "ledger") {
                Self.run(path, durability, mailbox: mailbox, clock: clock, gauge: gauge, onHealth: onHealth)
            }
        } catch {
            throw .unavailable(error.description)
        }
    }

    private static func prepare(_ path: String, _ durability: Durability) throws(LedgerError) {
        let connection = try open(path, durability)
        try LedgerSchema.migrate(connection)
    }

    private static func open(_ path: String, _ durability: Durability) throws(LedgerError) -> SQLiteConnection {
        // The umask could make a new file readable for others; it names users and what they asked for.
        let descriptor = CLinux_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { Glibc.close(descriptor) }
        do throws(SQLiteFault) {
            let connection = try SQLiteConnection(path: path, mode: .readWrite)
            try connection.execute("PRAGMA journal_mode = WAL")
            try connection.execute("PRAGMA synchronous = \(durability.rawValue)")
            // 4 MiB of log between checkpoints: a commit rarely waits for one, and a restart replays little.
            try connection.execute("PRAGMA wal_autocheckpoint = 1000")
            // 16 MiB of pages: the upper levels of the trees of millions of jobs.
            try connection.execute("PRAGMA cache_size = -16384")
            return connection
        } catch {
            throw error.ledgerError(path: path)
        }
    }

    private static func run(
        _ path: String, _ durability: Durability, mailbox: Mailbox<LedgerOperation>, clock: any Timekeeper,
        gauge: LedgerGauge, onHealth: @escaping @Sendable (LedgerHealth) -> Void
    ) {
        do throws(LedgerError) {
            var writer = LedgerWriter(
                mailbox: mailbox, connection: try open(path, durability), clock: clock, gauge: gauge,
                onHealth: onHealth)
            writer.run()
        } catch {
            // It opened a moment ago, in init; now nothing can be asked of it.
            onHealth(.unavailable(error))
            for operation in mailbox.close() { operation.refuse(error) }
        }
    }

    /// Writes what is owed, if the disk lets it, and ends the thread. Whatever comes later is refused as closed.
    public func close() {
        guard mailbox.post(.close) else { return }
        thread.join()
    }

    /// Answered by the ledger's thread when it comes round: proof that it lives.
    public func ping(_ answer: @escaping @Sendable () -> Void) {
        mailbox.post(.ping(answer))
    }

    // MARK: Ledger

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

    public func mark(_ part: PublishedPart, of jobID: JobID, generation: Int) {
        // Refused only by a closed ledger: then the next delivery publishes once more, under the same message-id.
        mailbox.post(.mark(part, jobID, generation: generation))
    }

    public func note(_ event: JobEvent) {
        mailbox.post(.note(event))
    }

    public func count(of day: String) async throws(LedgerError) -> DayCount {
        try await read { rows throws(SQLiteFault) in try rows.count(of: day) }
    }

    public func unpublishedResults(after last: JobID?, limit: Int) async throws(LedgerError) -> [OwedResult] {
        try await read { rows throws(SQLiteFault) in try rows.owedResults(after: last, limit: limit) }
    }

    public func overdue(before time: Timestamp, limit: Int) async throws(LedgerError) -> [OverdueJob] {
        try await read { rows throws(SQLiteFault) in
            try rows.loadOverdue(before: time, limit: limit).map {
                OverdueJob(jobID: $0.jobID, account: $0.account, open: $0.open)
            }
        }
    }

    public func finishLost(_ job: OverdueJob, result: StoredResult) async throws(LedgerError) -> Bool {
        let now = clock.wall()
        return try await ask { .finishLost(job, result, now, $0) }
    }

    // MARK: Asking the thread

    func ask<Answer: Sendable>(
        _ operation: (LedgerOperation.Reply<Answer>) -> LedgerOperation
    ) async throws(LedgerError) -> Answer {
        let result = await withCheckedContinuation { (reply: LedgerOperation.Reply<Answer>) in
            if !mailbox.post(operation(reply)) { reply.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }

    /// Reads on the ledger's thread.
    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (SQLiteRows) throws(SQLiteFault) -> Answer
    ) async throws(LedgerError) -> Answer {
        let path = self.path
        return try await ask { reply in
            .read(
                { connection in
                    do throws(SQLiteFault) {
                        reply.resume(returning: .success(try body(SQLiteRows(connection: connection))))
                    } catch {
                        reply.resume(returning: .failure(error.ledgerError(path: path)))
                    }
                }, refuse: { reply.resume(returning: .failure($0)) })
        }
    }

    /// Writes in the commit of its batch.
    func write<Answer: Sendable>(
        _ body: @escaping @Sendable (SQLiteConnection) throws(SQLiteFault) -> Answer
    ) async throws(LedgerError) -> Answer {
        try await ask { reply in
            .write(
                { connection throws(SQLiteFault) in
                    let answer = try body(connection)
                    return { reply.resume(returning: .success(answer)) }
                }, refuse: { reply.resume(returning: .failure($0)) })
        }
    }
}
