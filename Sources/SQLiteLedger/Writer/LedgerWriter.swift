import CLinux
import CSQLite
import Clocks
import Concurrency
import Jobs
import Ledger

/// The ledger's thread: takes what has come, makes one commit of it, answers.
///
/// A commit costs a disk flush however much is in it, so under load the batches grow by themselves and a flush is
/// shared by many jobs.
struct LedgerWriter: ~Copyable {
    enum Condition {
        case healthy
        /// Tried again at `retryAt`, and not before: the disk is left in peace.
        case degraded(LedgerError, code: Int32, retryAt: MonotonicTime)
        /// The files are not in their place: see `displacement`.
        case displaced(LedgerError)
        /// The file is damaged. No wait mends that.
        case unusable(LedgerError)
    }

    let mailbox: MailboxOwner<LedgerOperation>
    let file: LedgerFile
    let clock: any TimeSource
    let onHealth: @Sendable (LedgerHealth) -> Void
    private let onBehind: @Sendable (Arrival) -> Void
    private let gauge: LedgerGauge
    /// What the others of this process, who open the file beside this thread, are told.
    let open: OpenLedger
    /// The file that is locked, and no other, is opened.
    private let identity: FileIdentity?
    /// Nil after a trouble: a file that was opened while it was read-only is opened anew.
    var rows: SQLiteRows?
    /// There is one as long as there are rows.
    var checkpointer: WALCheckpointer?
    var condition = Condition.healthy
    var watch: PlaceWatch
    var displacement: LedgerDisplacement?
    private var backoff = Backoff(first: .milliseconds(500), longest: .seconds(10))
    var backlog = LedgerBacklog()
    private var closing: (deadline: MonotonicTime, answer: @Sendable (Int) -> Void)?

    /// `identity`: of the file, which the caller keeps locked.
    init(
        mailbox: MailboxOwner<LedgerOperation>, file: LedgerFile, identity: FileIdentity?, open: OpenLedger,
        clock: any TimeSource, gauge: LedgerGauge, onHealth: @escaping @Sendable (LedgerHealth) -> Void,
        onBehind: @escaping @Sendable (Arrival) -> Void
    ) {
        self.mailbox = mailbox
        self.file = file
        self.identity = identity
        self.open = open
        self.clock = clock
        self.gauge = gauge
        self.onHealth = onHealth
        self.onBehind = onBehind
        watch = PlaceWatch(at: clock.now(), every: file.checkInterval)
    }

    /// Runs until `close`, and leaves the file clean. Returns the answer to that, to be given as the last thing.
    mutating func run() -> @Sendable () -> Void {
        while closing == nil {
            let batch = mailbox.takeAll()
            checkPlace()
            if !batch.isEmpty {
                process(batch)
            } else if let wakeAt, wakeAt <= clock.now() {
                if displacement == nil { commit([]) } else { continueDisplaced() }
            } else {
                sleep(until: wakeAt)
            }
        }
        return finish()
    }

    /// When there is something to do though nothing comes, but for a look at the files' place. Nil while all is well.
    private var wakeAt: MonotonicTime? {
        switch condition {
        case .healthy: backlog.dueAt
        case .degraded(_, _, let retryAt): retryAt
        case .displaced: displacement?.wakeAt
        case .unusable: nil
        }
    }

    private func sleep(until time: MonotonicTime?) {
        let lookUp = if case .unusable = condition { MonotonicTime?.none } else { watch.nextCheckAt }
        mailbox.wait(atMost: MonotonicTime.earliest(time, lookUp).map { $0 - clock.now() })
    }

    private mutating func process(_ batch: [LedgerOperation]) {
        let work = batch.filter { $0.urgency != .control }
        switch condition {
        case .healthy:
            if mustCommit(work) {
                commit(work)
            } else {
                for operation in work { answer(operation) }
            }
        case .degraded(let error, _, let retryAt):
            if retryAt <= clock.now() {
                commit(work)
            } else {
                for operation in work { postpone(operation, error) }
            }
        case .displaced(let error):
            for operation in work { postpone(operation, error) }
            writeToBoth()
        case .unusable(let error):
            for operation in work { operation.refuse(error) }
        }
        for operation in batch where operation.urgency == .control { control(operation) }
    }

    private func mustCommit(_ work: [LedgerOperation]) -> Bool {
        var (hasRead, hasWaiting) = (false, !backlog.pending.isEmpty)
        for operation in work {
            switch operation.urgency {
            case .now: return true
            case .read: hasRead = true
            case .soon: hasWaiting = true
            case .later, .control: break
            }
        }
        return hasRead && hasWaiting
    }

    private mutating func control(_ operation: LedgerOperation) {
        switch operation {
        case .emptyLog(let reply): emptyLog(reply)
        case .disable(let error): disable(error)
        case .rescued: takeRescue()
        case .close(let deadline, let answer):
            if closing == nil { closing = (deadline, answer) } else { answer(0) }
        case .lookUp, .claim, .record, .withdraw, .mark, .note, .hold, .finishLost, .finishCancelled, .read, .write:
            break
        }
    }

    // MARK: Without a commit

    private mutating func answer(_ operation: LedgerOperation) {
        switch operation.urgency {
        case .soon: return backlog.addMark(operation, at: clock.now())
        case .later: return backlog.addLine(operation, at: clock.now())
        case .read, .now, .control: break
        }
        do throws(SQLiteFault) {
            var transaction = LedgerTransaction(rows: try openRows(), onBehind: onBehind)
            try transaction.apply(operation)()
        } catch {
            let refusal = error.ledgerError(path: file.path)
            if !error.isOfOneOperation { degrade(error, refusal) }
            operation.refuse(refusal)
        }
    }

    private mutating func openRows() throws(SQLiteFault) -> SQLiteRows {
        if let rows { return rows }
        let opened = SQLiteRows(connection: try file.open(identity))
        // From this first look on SQLite has log and index open.
        try opened.learnOfCancels()
        opened.connection.countPagesInLog()
        let files = LedgerFiles(path: file.path, file: identity)
        if let difference = files.difference {
            throw SQLiteFault(code: SQLITE_CANTOPEN, attempted: "opening \(file.path)", message: difference)
        }
        open.has(files)
        rows = opened
        checkpointer = WALCheckpointer(files)
        return opened
    }

    mutating func closeRows() {
        checkpointer?.waitForCheckpoint()
        checkpointer = nil
        open.has(LedgerFiles(path: file.path, closed: identity))
        rows = nil
    }

    private mutating func emptyLog(_ reply: LedgerOperation.Reply<Void>) {
        switch condition {
        case .degraded(let error, _, _), .displaced(let error), .unusable(let error):
            return reply.resume(returning: .failure(error))
        case .healthy: break
        }
        do throws(SQLiteFault) {
            let rows = try openRows()
            checkpointer?.waitForCheckpoint()
            try rows.connection.emptyLog()
            reply.resume(returning: .success(()))
        } catch {
            let refusal = error.ledgerError(path: file.path)
            if !error.isOfOneOperation { degrade(error, refusal) }
            reply.resume(returning: .failure(refusal))
        }
    }

    // MARK: With a commit

    mutating func commit(_ new: [LedgerOperation]) {
        let mustProveSpace = if case .degraded = condition { true } else { false }
        if mustProveSpace {
            // What is closed now could not be saved any more.
            guard waitForPlace(new) else { return }
            closeRows()
        }
        let operations = backlog.take(before: new)
        let began = clock.now()
        let answers: [LedgerTransaction.Answer]
        do throws(SQLiteFault) {
            var transaction = LedgerTransaction(rows: try openRows(), onBehind: onBehind)
            answers = try transaction.commit(operations, mustProveSpace: mustProveSpace)
        } catch {
            let refusal = error.ledgerError(path: file.path)
            for operation in operations { postpone(operation, refusal) }
            return degrade(error, refusal)
        }
        gauge.committed(operations: operations.count, took: clock.now() - began)
        recover()
        for answer in answers { answer() }
        if let rows { checkpointer?.continueAfterCommit(rows.connection, at: clock.now()) }
    }

    /// False in a trouble while the files are not in their place: then another look says what comes next.
    private mutating func waitForPlace(_ new: [LedgerOperation]) -> Bool {
        guard let difference = open.difference, case .degraded(_, let code, _) = condition else { return true }
        let error = LedgerError.unavailable(OpenLedger.loss(difference))
        for operation in new { postpone(operation, error) }
        condition = .degraded(error, code: code, retryAt: max(watch.nextCheckAt, clock.now() + PlaceWatch.repetition))
        return false
    }

    /// Keeps the operations that cannot be repeated in memory; refuses the others.
    mutating func postpone(_ operation: LedgerOperation, _ error: LedgerError) {
        if operation.urgency == .later {
            backlog.addLine(operation, at: clock.now())
        } else if operation.isKeptWhileDegraded {
            backlog.keepWhileDegraded(operation)
        } else {
            operation.refuse(error)
        }
    }

    private mutating func degrade(_ fault: SQLiteFault, _ error: LedgerError) {
        guard case .unavailable = error else { return disable(error) }
        // The same error code again, met at another statement, is not reported again.
        let isNews = if case .degraded(_, fault.primaryCode, _) = condition { false } else { true }
        condition = .degraded(error, code: fault.primaryCode, retryAt: clock.now() + backoff.next())
        if isNews { onHealth(.unavailable(error)) }
    }

    /// Makes the ledger unusable for good: waiting records fail, so their jobs return to the broker, intent open.
    private mutating func disable(_ error: LedgerError) {
        if case .unusable = condition { return }
        condition = .unusable(error)
        _ = backlog.refuse(error)
        onHealth(.unavailable(error))
    }

    mutating func recover() {
        switch condition {
        case .healthy, .unusable: return
        case .degraded, .displaced: break
        }
        condition = .healthy
        backoff.reset()
        onHealth(.available)
    }

    // MARK: The end

    private mutating func finish() -> @Sendable () -> Void {
        let rest = mailbox.close()
        if !rest.isEmpty { process(rest) }
        // Nothing is posted any more; what woke the thread last must not wake it again below.
        _ = mailbox.takeAll()
        if displacement != nil { endDisplaced() }
        let deadline = closing?.deadline ?? clock.now()
        while !isAllWritten {
            if case .degraded(_, _, let retryAt) = condition, retryAt > clock.now() {
                guard clock.now() < deadline else { break }
                mailbox.wait(atMost: min(retryAt, deadline) - clock.now())
            } else {
                commit([])
            }
        }
        let lost = backlog.refuse(.closed)
        checkpointLogIn()
        closeRows()
        let answer = closing?.answer
        return { answer?(lost) }
    }

    /// Empties the log at a clean end, so that the next start has nothing to recover. A failure leaves the log to it.
    private mutating func checkpointLogIn() {
        // A damaged file is left as it was found.
        if case .unusable = condition { return }
        checkpointer?.waitForCheckpoint()
        try? rows?.connection.emptyLog()
    }

    /// Whether all is written, or never will be. History lines alone do not keep the thread waiting.
    private var isAllWritten: Bool {
        switch condition {
        case .healthy: backlog.isEmpty
        case .degraded: backlog.pending.isEmpty
        case .displaced, .unusable: true
        }
    }
}
