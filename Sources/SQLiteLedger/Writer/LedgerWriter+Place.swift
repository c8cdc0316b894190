import Clocks
import Concurrency
import Ledger

/// What the ledger's thread does about files that were moved away, removed or replaced while it has them open.
///
/// It saves what the open connection sees as `….rescued-<time>` beside them, and answers nothing more: what it would
/// commit then is in nobody's ledger after its end. What nobody can do again, the records of jobs that were in flight,
/// goes into the copy as well as into the open file, so that either of them can be gone on with.
extension LedgerWriter {
    mutating func checkPlace() {
        let now = clock.now()
        guard watch.isDue(at: now) else { return }
        if case .unusable = condition { return }
        // The connection is lent meanwhile.
        if displacement?.isBeingSaved == true { return watch.postpone(at: now) }
        switch watch.saw(open.difference, at: now) {
        case .nothing: break
        case .displaced(let difference): displace(difference)
        case .returned: comeBack()
        }
    }

    private mutating func displace(_ difference: String) {
        checkpointer?.waitForCheckpoint()
        var displacement = LedgerDisplacement(difference, copy: beginRescue(), at: clock.now())
        displacement.describe()
        condition = .displaced(displacement.error)
        let isDone = !displacement.isBeingSaved
        self.displacement = displacement
        if isDone { logDisplacement() }
    }

    private mutating func rescueAgain() {
        let copy = beginRescue()
        displacement?.copy = copy
    }

    private func beginRescue() -> LedgerDisplacement.Copy {
        guard let rows else { return .failed(.unavailable("it was closed in an earlier trouble"), retryAt: nil) }
        do throws(SystemCallError) {
            let post = mailbox.post
            return .running(
                try LedgerRescue(
                    rows.connection, beside: open.place, at: clock.wall(), onOpen: file.onOpen
                ) {
                    post(.rescued)
                })
        } catch {
            return .failed(.unavailable(error.description), retryAt: clock.now() + LedgerDisplacement.rest)
        }
    }

    /// The copy is made, or could not be: that is told, and with it the worker's hold begins.
    mutating func takeRescue() {
        guard case .running(let rescue) = displacement?.copy else { return }
        switch rescue.end() {
        case .success(let path):
            do throws(SQLiteFault) {
                let connection = try SQLiteConnection(path: path, mode: .existing)
                try connection.execute("PRAGMA synchronous = FULL")
                try connection.execute("PRAGMA secure_delete = ON")
                try file.onOpen(connection)
                displacement?.copy = .saved(path: path, SQLiteRows(connection: connection))
            } catch {
                fail(error.ledgerError(path: path))
            }
        case .failure(let error): fail(error)
        }
        writeToBoth()
        logDisplacement()
    }

    private mutating func fail(_ error: LedgerError) {
        displacement?.copy = .failed(error, retryAt: clock.now() + LedgerDisplacement.rest)
    }

    private mutating func logDisplacement() {
        displacement?.describe()
        displacement?.logAt = nil
        guard let error = displacement?.error else { return }
        // What is damaged besides stays so.
        if case .unusable = condition { return }
        condition = .displaced(error)
        onHealth(.unavailable(error))
    }

    /// Something is due.
    mutating func continueDisplaced() {
        let now = clock.now()
        if case .failed(_, let retryAt?) = displacement?.copy, retryAt <= now {
            return rescueAgain()
        }
        if let retryAt = displacement?.retryAt, retryAt <= now {
            displacement?.retryAt = nil
            writeToBoth()
        }
        if let logAt = displacement?.logAt, logAt <= now { logDisplacement() }
    }

    /// What waits goes into the copy, whose commit is the answer, and into the open file. A file that cannot take what
    /// its copy has cannot be gone on with.
    mutating func writeToBoth() {
        guard case .saved(_, let copied) = displacement?.copy, displacement?.retryAt == nil, !backlog.isEmpty else {
            return
        }
        let operations = backlog.take(before: [])
        let answers: [LedgerTransaction.Answer]
        do throws(SQLiteFault) {
            var transaction = LedgerTransaction(rows: copied)
            answers = try transaction.commit(operations, mustProveSpace: false)
        } catch {
            let refusal = error.ledgerError(path: copied.connection.path)
            for operation in operations { postpone(operation, refusal) }
            displacement?.retryAt = clock.now() + LedgerDisplacement.retryInterval
            return
        }
        do throws(SQLiteFault) {
            guard let rows else { throw SQLiteFault(code: 0, attempted: "writing to both", message: "it is closed") }
            var transaction = LedgerTransaction(rows: rows)
            // Whoever asked is answered once.
            _ = try transaction.commit(operations, mustProveSpace: false)
        } catch {
            let isNews = displacement?.isBehind == false
            displacement?.isBehind = true
            if isNews { logDisplacement() }
        }
        for answer in answers { answer() }
    }

    /// The files have their names again.
    private mutating func comeBack() {
        guard displacement?.isBehind == false else { return }
        displacement = nil
        recover()
        if !backlog.isEmpty { commit([]) }
    }

    /// At the end: whatever can still be saved is. The open file, which somebody may have moved away and not removed,
    /// gets it in any case.
    mutating func endDisplaced() {
        takeRescue()
        if case .failed(_, .some) = displacement?.copy {
            rescueAgain()
            takeRescue()
        }
        displacement?.retryAt = nil
        writeToBoth()
        guard let rows, !backlog.isEmpty else { return }
        let operations = backlog.take(before: [])
        do throws(SQLiteFault) {
            var transaction = LedgerTransaction(rows: rows)
            for answer in try transaction.commit(operations, mustProveSpace: false) { answer() }
        } catch {
            let refusal = error.ledgerError(path: file.path)
            for operation in operations { postpone(operation, refusal) }
        }
    }
}
