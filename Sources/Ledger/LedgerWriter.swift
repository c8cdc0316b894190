import CLinux
import CSQLite
import Jobs
import Threads

/// The ledger's thread: takes what has come, makes one commit of it, answers.
///
/// A commit costs a disk flush however much is in it, so under load the batches grow by themselves and a flush is
/// shared by many jobs.
struct LedgerWriter: ~Copyable {
    private let mailbox: Mailbox<LedgerOperation>
    private let path: String
    private let clock: any Timekeeper
    private let onHealth: @Sendable (LedgerHealth) -> Void
    private let gauge: LedgerGauge
    private let connection: SQLiteConnection
    private let rows: SQLiteRows
    /// Records and marks whose commit failed: they go first in the next.
    private var owed: [LedgerOperation] = []
    private var trouble: LedgerError?
    private var retryAt: MonotonicTime?
    private var backoff = Backoff(first: .milliseconds(500), longest: .seconds(10))

    init(
        mailbox: Mailbox<LedgerOperation>, connection: sending SQLiteConnection, clock: any Timekeeper,
        gauge: LedgerGauge,
        onHealth: @escaping @Sendable (LedgerHealth) -> Void
    ) {
        self.mailbox = mailbox
        self.path = connection.path
        self.clock = clock
        self.gauge = gauge
        self.onHealth = onHealth
        self.rows = SQLiteRows(connection: connection)
        self.connection = connection
    }

    /// Runs until `close`, and leaves the file clean.
    mutating func run() {
        while true {
            let batch = mailbox.takeAll()
            if batch.isEmpty {
                if let retryAt, retryAt <= clock.now() {
                    commit(owed: takeOwed(), new: [])
                } else {
                    sleep()
                }
                continue
            }
            let closing = batch.contains { if case .close = $0 { true } else { false } }
            process(batch)
            if closing { return finish() }
        }
    }

    /// Until something is posted, or a failed commit is to be tried again.
    private func sleep() {
        var descriptor = pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0)
        let wait = retryAt.map { Int32(clamping: max(1, ($0 - clock.now()).milliseconds + 1)) } ?? -1
        poll(&descriptor, 1, wait)
    }

    private mutating func process(_ batch: [LedgerOperation]) {
        // While commits fail, only the retry tries: what comes waits or is refused, and the disk is left in peace.
        if let trouble, let retryAt, retryAt > clock.now() {
            for operation in batch { postpone(operation, trouble) }
            return
        }
        if owed.isEmpty, !batch.contains(where: \.isWrite) {
            for operation in batch { answer(operation) }
        } else {
            commit(owed: takeOwed(), new: batch.filter { !$0.isRead })
            for operation in batch where operation.isRead { answer(operation) }
        }
    }

    private mutating func postpone(_ operation: LedgerOperation, _ error: LedgerError) {
        switch operation {
        case .record, .mark, .note: owed.append(operation)
        case .read, .ping: answer(operation)
        case .look, .claim, .finishLost, .write, .close: operation.refuse(error)
        }
    }

    // MARK: Reading

    private mutating func answer(_ operation: LedgerOperation) {
        switch operation {
        case .look(let arrival, let now, let reply):
            do throws(LedgerError) {
                reply.resume(returning: .success(try look(arrival, at: now)))
            } catch {
                note(error)
                reply.resume(returning: .failure(error))
            }
        case .read(let body, _): body(connection)
        case .ping(let answer): answer()
        case .close, .claim, .record, .mark, .note, .finishLost, .write: break
        }
    }

    private func look(_ arrival: Arrival, at now: Timestamp) throws(LedgerError) -> Finding {
        do throws(SQLiteFault) {
            let row = try rows.load(arrival.jobID)
            return try find(row, arrival, at: now)
        } catch {
            throw error.ledgerError(path: path)
        }
    }

    /// `LedgerRules.look` with results from the file; its own complaint becomes a fault of the file.
    private func find(_ row: LedgerRow?, _ arrival: Arrival, at now: Timestamp) throws(SQLiteFault) -> Finding {
        do throws(LedgerError) {
            return try LedgerRules.look(row, arrival, at: now) { generation throws(LedgerError) in
                do throws(SQLiteFault) {
                    return try rows.loadResult(arrival.jobID, generation: generation)
                } catch {
                    throw error.ledgerError(path: path)
                }
            }
        } catch {
            throw SQLiteFault(code: SQLITE_CORRUPT, attempted: "looking a job up", message: error.description)
        }
    }

    // MARK: Writing

    private mutating func commit(owed old: [LedgerOperation], new: [LedgerOperation]) {
        let began = clock.now()
        let operations = old + new
        var answers: [@Sendable () -> Void] = []
        do throws(SQLiteFault) {
            try connection.execute("BEGIN IMMEDIATE")
            for operation in operations {
                if let answer = try apply(operation) { answers.append(answer) }
            }
            try connection.execute("COMMIT")
        } catch {
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
            return failed(error, operations)
        }
        gauge.committed(operations: operations.count, took: clock.now() - began)
        recovered()
        for answer in answers { answer() }
    }

    private mutating func failed(_ fault: SQLiteFault, _ operations: [LedgerOperation]) {
        let error = fault.ledgerError(path: path)
        note(error)
        for operation in operations { postpone(operation, error) }
        guard case .unavailable = error else {
            // No wait mends a damaged file: whoever waits for a record is told, so that the daemon can stop.
            for operation in takeOwed() { operation.refuse(error) }
            return
        }
    }

    private mutating func note(_ error: LedgerError) {
        if trouble != error { onHealth(.unavailable(error)) }
        trouble = error
        retryAt = clock.now() + backoff.next()
    }

    private mutating func recovered() {
        guard trouble != nil else { return }
        trouble = nil
        retryAt = nil
        backoff.reset()
        onHealth(.available)
    }

    /// Applies one operation inside the transaction; its answer is given after the commit.
    private func apply(_ operation: LedgerOperation) throws(SQLiteFault) -> (@Sendable () -> Void)? {
        switch operation {
        case .look(let arrival, let now, let reply):
            let finding = try find(try rows.load(arrival.jobID), arrival, at: now)
            return { reply.resume(returning: .success(finding)) }
        case .claim(let claim, let reply):
            let answer = try apply(claim)
            return { reply.resume(returning: .success(answer)) }
        case .record(let record, let now, let reply):
            let copy = try apply(record, at: now)
            return { reply.resume(returning: .success(copy)) }
        case .mark(let part, let id, let generation):
            if let row = try rows.load(id), let marked = LedgerRules.mark(row, part, generation: generation) {
                try rows.save(marked)
            }
            return nil
        case .note(let event):
            try rows.save(event)
            return nil
        case .finishLost(let job, let result, let now, let reply):
            let row = LedgerRules.finishLost(try rows.load(job.jobID), job, at: now)
            if let row {
                try rows.save(row)
                try rows.save(result, of: job.jobID, generation: row.generation)
            }
            let isDone = row != nil
            return { reply.resume(returning: .success(isDone)) }
        case .write(let body, _):
            return try body(connection)
        case .read, .ping, .close:
            return nil
        }
    }

    private func apply(_ claim: Claim) throws(SQLiteFault) -> ClaimAnswer {
        let row = try rows.load(claim.arrival.jobID)
        let finding = try find(row, claim.arrival, at: claim.at)
        guard let claimed = LedgerRules.claim(row, claim, finding: finding) else { return .refused(finding) }
        if case .fresh(_, let predecessor?) = finding, let closing = claim.closing {
            try rows.save(closing, of: claim.arrival.jobID, generation: predecessor.generation)
        }
        try rows.save(claimed)
        try rows.count(claim.kind, on: claim.day)
        var open = claimed.open
        // Its own intent is not yet a sign of trouble.
        open.isAmbiguous = claimed.isAmbiguous
        return .claimed(open)
    }

    private func apply(_ record: Record, at now: Timestamp) throws(SQLiteFault) -> Int {
        let arrival = record.arrival
        let row = try rows.load(arrival.jobID)
        guard let next = LedgerRules.record(row, record, at: now) else { return row?.copy ?? arrival.copy }
        if case .finished(_, let result, _, _, _) = record {
            try rows.save(result, of: arrival.jobID, generation: arrival.generation)
        }
        try rows.save(next)
        return next.copy
    }

    // MARK: The end

    private mutating func finish() {
        if !owed.isEmpty { commit(owed: takeOwed(), new: []) }
        for operation in owed { operation.refuse(trouble ?? .closed) }
        for operation in mailbox.close() { operation.refuse(.closed) }
        // A clean end leaves no write-ahead log, so the next start has nothing to recover. Failing that costs nothing.
        try? connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    private mutating func takeOwed() -> [LedgerOperation] {
        defer { owed = [] }
        return owed
    }
}
