import Clocks
import Jobs
import Ledger

/// A batch on its way: what is in it of a portion, in the order of locks, and what its answers are read for.
struct Outgoing {
    private(set) var batch = PostgresBatch()
    /// By the ids of their jobs.
    private(set) var plans: [JobPlan] = []
    private(set) var sent = PostgresBacklog.Portion()
    private(set) var left = PostgresBacklog.Portion()
    /// What the answer of each statement is read for, in their order.
    private var steps: [Step] = []
    /// What it changes of accounts.
    private(set) var changes: [AccountChange] = []
    /// Whose wait it changes.
    private var changedWaits: Set<AccountID> = []
    /// At most, of what its jobs and their accounts take.
    private var size = Self.emptySize
    private let most: Int
    private let epoch: Int?
    private let lockTimeout: Duration?
    /// Of the member's outbox, if it goes along.
    private(set) var watermark: Int64?

    private enum Step {
        case unread
        case waits
        case jobs
        /// The question of that number, of those that are sent.
        case question(Int)
    }

    /// - Parameter most: as many bytes as the kernel takes at once.
    /// - Parameter lockTimeout: nil is the role's.
    init(most: Int, epoch: Int?, lockTimeout: Duration? = nil) {
        self.most = most
        self.epoch = epoch
        self.lockTimeout = lockTimeout
    }

    /// Whether there is place for all that may be written for the requests on one job; else they are left. The first go in
    /// whatever their size: nothing is smaller than that.
    mutating func makePlace(for requests: [PendingRequest]) -> Bool {
        let grown = size + requests.mostBytesWritten
        guard plans.isEmpty || grown <= most else {
            left.requests += requests
            return false
        }
        size = grown
        return true
    }

    /// Adds what was decided of a job for which there is place. Jobs come by their ids.
    mutating func add(_ plan: JobPlan, _ requests: [PendingRequest]) {
        plans.append(plan)
        sent.requests += requests
    }

    /// What goes along, as far as there is place; and then all in the order of locks. What it takes of `outbox` is the
    /// caller's to give back if the batch is undone.
    ///
    /// - Parameter hasRow: of a slot of which nothing was read, whether it is taken to have a row: if not, one is made.
    mutating func finish(
        _ changes: [AccountChange], hasRow: (AccountChange) -> Bool = { _ in false },
        _ portion: PostgresBacklog.Portion,
        _ outbox: inout Outbox, mayMark: Bool = true, at now: MonotonicTime
    ) {
        for index in plans.indices {
            for generation in plans[index].newResults {
                plans[index].numbers[generation] = outbox.number(plans[index].jobID, generation)
            }
        }
        if mayMark {
            watermark = outbox.watermark(
                hasResults: plans.contains { !$0.numbers.isEmpty }, isAsked: !portion.queries.isEmpty, at: now)
        }
        var along = PostgresBatch()
        var isFull = !left.requests.isEmpty
        func fits(_ query: LedgerQuery) -> Bool {
            var grown = along
            query.add(to: &grown)
            let isAlone = plans.isEmpty && along.executions.isEmpty
            isFull = isFull || size + grown.byteCount > most && !isAlone
            if !isFull { along = grown }
            return !isFull
        }
        for line in portion.lines {
            if fits(line) { sent.lines.append(line) } else { left.lines.append(line) }
        }
        for query in portion.queries {
            if fits(query) { sent.queries.append(query) } else { left.queries.append(query) }
        }
        self.changes = changes
        order(changes, new: changes.filter { $0.isNew && !hasRow($0) })
    }

    // MARK: Statements

    /// By `LockPlace`.
    private mutating func order(_ changes: [AccountChange], new: [AccountChange]) {
        changedWaits = Set(changes.filter(\.changesWait).map(\.account))
        if let lockTimeout, plans.contains(where: \.changesRow) {
            batch.add(Self.limitLock, [PostgresParameter("\(lockTimeout.milliseconds)ms")])
            steps.append(.unread)
        }
        if !new.isEmpty {
            AccountRows.addNew(new, to: &batch)
            steps.append(.waits)
        }
        if !changes.isEmpty {
            AccountRows.add(changes, to: &batch)
            steps.append(.waits)
        }
        let along = along
        let besideJobs = along.keys.compactMap { if case .job(let id) = $0 { id } else { nil } }
        addJobs(besideJobs)
        for id in besideJobs.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { add(along[.job(id)]) }
        let claims = plans.filter { $0.changesRow && $0.slot != nil }
        if !claims.isEmpty {
            // Of rows that are locked since the beginning.
            AccountRows.addUndo(claims, to: &batch)
            steps.append(.unread)
        }
        for place in LockPlace.behindJobs {
            add(along[place])
            if place == .members, let watermark, let epoch {
                OutboxRows.addWatermark(watermark, of: epoch, to: &batch)
                steps.append(.unread)
            }
        }
    }

    /// For this batch alone.
    private static let limitLock = PostgresStatement(
        "limit_lock_wait", "SELECT set_config('lock_timeout', $1, true)", [.text])

    private typealias Along = (query: LedgerQuery, step: Step)

    private var along: [LockPlace: [Along]] {
        var along = Dictionary(grouping: sent.lines.map { ($0, Step.unread) as Along }) { $0.query.place }
        for (number, query) in sent.queries.enumerated() {
            along[query.place, default: []].append((query, .question(number)))
        }
        return along
    }

    private mutating func add(_ queries: [Along]?) {
        for (query, step) in queries ?? [] {
            query.add(to: &batch)
            steps += query.steps.map { _ in step }
        }
    }

    /// - Parameter beside: the jobs that the statements behind these lock.
    private mutating func addJobs(_ beside: [JobID]) {
        let changed = plans.filter(\.changesRow)
        let new = changed.filter { $0.before.revision == 0 }
        let known = changed.filter { $0.before.revision > 0 }
        if !new.isEmpty {
            JobSaving.add(new, epoch: epoch, to: &batch)
            steps.append(.jobs)
        }
        if !known.isEmpty {
            if !beside.isEmpty {
                let all = Set(known.map(\.jobID) + beside)
                JobSaving.addLocks(all.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, to: &batch)
                steps.append(.unread)
            }
            JobSaving.add(known, epoch: epoch, to: &batch)
            steps.append(.jobs)
        }
        let marked = plans.filter { !$0.marked.isEmpty }
        if !marked.isEmpty {
            JobSaving.addMarks(marked, to: &batch)
            steps.append(.unread)
        }
    }

    // MARK: Answers

    /// What the answers say: the jobs of which the row, or the slot, or the account's wait was not what had been read; and
    /// what each question is answered.
    func read(
        _ rows: [PostgresRows]
    ) throws(PostgresDecodingError) -> (moved: Set<JobID>, answers: [[PostgresRows]]) {
        var written: Set<JobID> = []
        var waiting: Set<AccountID> = []
        var answers: [[PostgresRows]] = sent.queries.map { _ in [] }
        for (step, answer) in zip(steps, rows) {
            switch step {
            case .unread: break
            case .waits: waiting.formUnion(try AccountRows.waiting(answer))
            case .jobs: written.formUnion(try JobSaving.written(answer))
            case .question(let number): answers[number].append(answer)
            }
        }
        var moved: Set<JobID> = []
        for plan in plans {
            let hasMoved = plan.changesRow && !written.contains(plan.jobID)
            let waitHasMoved = plan.refused.map { changedWaits.contains($0) && !waiting.contains($0) } ?? false
            if hasMoved || waitHasMoved { moved.insert(plan.jobID) }
        }
        return (moved, answers)
    }
}
