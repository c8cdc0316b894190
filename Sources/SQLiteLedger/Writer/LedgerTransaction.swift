import CSQLite
import Clocks
import Jobs
import Ledger

/// One commit: loads, asks the rules, saves, and keeps each answer until the commit is made.
struct LedgerTransaction {
    typealias Answer = @Sendable () -> Void

    let rows: SQLiteRows
    /// Told after the commit of each delivery in it that knows more than the ledger did.
    private let onBehind: @Sendable (Arrival) -> Void
    /// Not yet written.
    private var sums = LedgerSums()
    private var ahead: [Arrival] = []

    init(rows: SQLiteRows, onBehind: @escaping @Sendable (Arrival) -> Void = { _ in }) {
        self.rows = rows
        self.onBehind = onBehind
    }

    // https://sqlite.org/lang_transaction.html
    private static let beginning = SQL("BEGIN IMMEDIATE")
    private static let committing = SQL("COMMIT")

    /// Applies all of `operations` or none, and returns what to call now that they are durable.
    ///
    /// A fault of one operation fails all at first; they are then applied once more, each behind a savepoint, so that
    /// it fails alone. That costs nothing as long as nothing fails.
    mutating func commit(_ operations: [LedgerOperation], mustProveSpace: Bool) throws(SQLiteFault) -> [Answer] {
        do throws(SQLiteFault) {
            return try commit(operations, mustProveSpace: mustProveSpace, oneByOne: false)
        } catch {
            guard error.isOfOneOperation else { throw error }
            return try commit(operations, mustProveSpace: mustProveSpace, oneByOne: true)
        }
    }

    private mutating func commit(
        _ operations: [LedgerOperation], mustProveSpace: Bool, oneByOne: Bool
    ) throws(SQLiteFault) -> [Answer] {
        var answers: [Answer] = []
        answers.reserveCapacity(operations.count)
        sums = LedgerSums()
        ahead = []
        do throws(SQLiteFault) {
            try rows.connection.statement(Self.beginning).run()
            if mustProveSpace { try rows.proveSpace() }
            for operation in operations {
                answers.append(oneByOne ? try applyOneByOne(operation) : try apply(operation))
            }
            try writeSums()
            try rows.connection.statement(Self.committing).run()
        } catch {
            rows.connection.rollBack()
            throw error
        }
        if !ahead.isEmpty { answers.append { [ahead, onBehind] in ahead.forEach(onBehind) } }
        return answers
    }

    private mutating func applyOneByOne(_ operation: LedgerOperation) throws(SQLiteFault) -> Answer {
        let before = (sums, ahead)
        // https://sqlite.org/lang_savepoint.html
        try rows.connection.execute("SAVEPOINT operation")
        do throws(SQLiteFault) {
            let answer = try apply(operation)
            try rows.connection.execute("RELEASE operation")
            return answer
        } catch {
            guard error.isOfOneOperation else { throw error }
            try rows.connection.execute("ROLLBACK TO operation; RELEASE operation")
            (sums, ahead) = before
            let refusal = error.ledgerError(path: rows.connection.path)
            return { operation.refuse(refusal) }
        }
    }

    private mutating func writeSums() throws(SQLiteFault) {
        guard !sums.isEmpty else { return }
        try rows.add(sums)
        sums = LedgerSums()
    }

    /// Also for a read alone, outside of a transaction.
    mutating func apply(_ operation: LedgerOperation) throws(SQLiteFault) -> Answer {
        switch operation {
        case .lookUp(let arrival, let now, let reply):
            let lookup = try find(try rows.load(arrival.jobID), arrival, at: now)
            return { reply.resume(returning: .success(lookup)) }
        case .claim(let claim, let reply):
            let answer = try apply(claim)
            return { reply.resume(returning: .success(answer)) }
        case .record(let record, let lease, let isUnheard, let now, let reply):
            let recorded = try apply(record, under: lease, isUnheard: isUnheard, at: now)
            return { reply.resume(returning: .success(recorded)) }
        case .withdraw(let lease, let id, let kind, let day, let now, let reply):
            try withdraw(lease, of: id, kind, day: day, at: now)
            return { reply.resume(returning: .success(())) }
        case .mark(let part, let id, let generation):
            try mark(part, of: id, generation: generation)
            return {}
        case .note(let event):
            try rows.add(event)
            return {}
        case .hold(let hold):
            try rows.save(hold)
            return {}
        case .finishLost(let job, let result, let now, let reply):
            let isDone = try finishLost(job, result, at: now)
            return { reply.resume(returning: .success(isDone)) }
        case .finishCancelled(let job, let result, let now, let reply):
            let isDone = try finishCancelled(job, result, at: now)
            return { reply.resume(returning: .success(isDone)) }
        case .read(let body, _), .write(let body, _):
            try writeSums()
            return try body(rows)
        case .emptyLog, .disable, .rescued, .close:
            preconditionFailure("the thread keeps what is meant for itself out of its commits")
        }
    }

    private func find(_ row: LedgerRow?, _ arrival: Arrival, at now: Timestamp) throws(SQLiteFault) -> LookupResult {
        let cancellation = try rows.cancellation(of: arrival.jobID)
        let lookup = try LedgerRules.lookUp(row, arrival, cancellation: cancellation, at: now) {
            generation throws(SQLiteFault) in
            guard let row else { return nil }
            return try rows.loadResult(of: row, generation: generation)
        }
        guard let lookup else {
            throw SQLiteFault(
                code: SQLITE_ERROR, attempted: "looking job \(arrival.jobID) up",
                message: "it is finished and has no stored result")
        }
        return lookup
    }

    private mutating func apply(_ claim: Claim) throws(SQLiteFault) -> ClaimAnswer {
        let row = try rows.load(claim.arrival.jobID)
        let lookup = try find(row, claim.arrival, at: claim.at)
        guard let change = LedgerRules.change(of: row, by: claim, lookup: lookup) else { return .refused(lookup) }
        if change.isBehind { ahead.append(claim.arrival) }
        rows.claimed.insert(try save(change, over: row).number)
        sums.count(claim.kind, on: claim.day, at: claim.at)
        let isFirstCall = change.row.isFirstCall(of: claim, over: row)
        return .claimed(LedgerRules.claimed(change.row), .sole(isFirstCall: isFirstCall))
    }

    private mutating func apply(
        _ record: Record, under lease: Lease?, isUnheard: Bool, at now: Timestamp
    ) throws(SQLiteFault) -> Recorded {
        let arrival = record.arrival
        let row = try rows.load(arrival.jobID)
        let (change, answer) = LedgerRules.change(of: row, by: record, under: lease, isUnheard: isUnheard, at: now)
        if let change {
            if change.isBehind { ahead.append(arrival) }
            try save(change, over: row)
        }
        return answer
    }

    private mutating func withdraw(
        _ lease: Lease, of id: JobID, _ kind: Claim.Kind, day: String, at now: Timestamp
    ) throws(SQLiteFault) {
        let row = try rows.load(id)
        guard let withdrawn = LedgerRules.withdraw(row, lease, at: now) else { return }
        try save(withdrawn, over: row)
        sums.giveBack(kind, of: day, at: now)
    }

    private mutating func mark(_ part: PublishedPart, of id: JobID, generation: Int) throws(SQLiteFault) {
        if case .result = part { return try rows.markResult(of: id, generation: generation) }
        guard let row = try rows.load(id), let marked = LedgerRules.mark(row, part, generation: generation) else {
            return
        }
        try save(marked, over: row)
    }

    private mutating func finishLost(
        _ job: OverdueJob, _ result: StoredResult, at now: Timestamp
    ) throws(SQLiteFault) -> Bool {
        let row = try rows.load(job.jobID)
        guard let change = LedgerRules.change(of: row, losing: job, result: result, at: now) else { return false }
        try save(change, over: row)
        return true
    }

    private mutating func finishCancelled(
        _ job: CancelledJob, _ result: StoredResult, at now: Timestamp
    ) throws(SQLiteFault) -> Bool {
        let row = try rows.load(job.jobID)
        guard let change = LedgerRules.change(of: row, cancelling: job, result: result, at: now) else { return false }
        try save(change, over: row)
        return true
    }

    @discardableResult
    private mutating func save(_ change: LedgerChange, over old: LedgerRow?) throws(SQLiteFault) -> LedgerRow {
        let saved = try save(change.row, over: old)
        if let result = change.result { try rows.save(result, of: saved, generation: change.resultGeneration) }
        if change.forgetsCancel { try rows.forgetCancel(saved.jobID) }
        return saved
    }

    /// Returns the row with its number.
    @discardableResult
    private mutating func save(_ row: LedgerRow, over old: LedgerRow?) throws(SQLiteFault) -> LedgerRow {
        var saved = row
        saved.number = try rows.save(row)
        if !row.hasOpenIntent { rows.claimed.remove(saved.number) }
        sums.move(from: old, to: row)
        return saved
    }
}
