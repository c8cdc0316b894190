import Jobs
import Ledger

/// A batch on its way: what is in it of a portion, in the order of locks, and what its answers are read for.
struct Outgoing {
    private(set) var batch = PostgresBatch()
    private(set) var plans: [JobPlan] = []
    private(set) var sent = PostgresBacklog.Portion()
    private(set) var left = PostgresBacklog.Portion()
    /// What the answer of each statement is read for, in their order.
    private var steps: [Step] = []
    /// What the jobs alone take.
    private var size = PostgresBatch()
    private let most: Int
    private let epoch: Int?

    /// What requests may add for their accounts.
    private var accountBytes = 0
    /// Of one: three statements' values.
    private static let mostOfAnAccount = 1_500

    private enum Step {
        case unread
        case wait(AccountID)
        case job(JobID)
        /// The question of that number, of those that are sent.
        case question(Int)
    }

    /// - Parameter most: as many bytes as the kernel takes at once.
    init(most: Int, epoch: Int?) {
        self.most = most
        self.epoch = epoch
    }

    /// False if there is no place for it. The first goes in whatever its size: nothing is smaller than that.
    mutating func add(_ plan: JobPlan, _ requests: [PendingRequest]) -> Bool {
        var grown = size
        Self.add(plan, epoch: epoch, to: &grown)
        let concerned = requests.count { $0.request.account != nil || $0.request.isWithdrawal }
        let more = accountBytes + concerned * Self.mostOfAnAccount
        guard plans.isEmpty || grown.byteCount + more <= most else {
            left.requests += requests
            return false
        }
        accountBytes = more
        size = grown
        plans.append(plan)
        sent.requests += requests
        return true
    }

    private static func add(_ plan: JobPlan, epoch: Int?, to batch: inout PostgresBatch) {
        if plan.changesRow { JobSaving.add(plan, epoch: epoch, to: &batch) }
        if !plan.marked.isEmpty { JobSaving.addMarks(plan, to: &batch) }
    }

    /// What goes along, as far as there is place; and then all in the order of locks.
    mutating func finish(_ changes: [AccountChange], _ portion: PostgresBacklog.Portion) {
        var filled = size
        for change in changes { AccountRows.add(change, to: &filled) }
        addUndoing(to: &filled)
        var isFull = !left.requests.isEmpty
        func fits(_ query: LedgerQuery) -> Bool {
            var grown = filled
            query.add(to: &grown)
            isFull = isFull || grown.byteCount > most && !filled.executions.isEmpty
            if !isFull { filled = grown }
            return !isFull
        }
        for line in portion.lines {
            if fits(line) { sent.lines.append(line) } else { left.lines.append(line) }
        }
        for query in portion.queries {
            if fits(query) { sent.queries.append(query) } else { left.queries.append(query) }
        }
        order(changes)
    }

    /// By `LockPlace`.
    private mutating func order(_ changes: [AccountChange]) {
        for change in changes {
            AccountRows.add(change, to: &batch)
            if change.changesCalls { steps.append(.unread) }
            if change.changesWait { steps.append(.wait(change.account)) }
        }
        var along = Dictionary(grouping: sent.lines.map { ($0, Step.unread) }) { $0.0.place }
        for (number, query) in sent.queries.enumerated() {
            along[query.place, default: []].append((query, .question(number)))
        }
        func add(_ place: LockPlace) {
            for (query, step) in along[place] ?? [] {
                query.add(to: &batch)
                steps += query.steps.map { _ in step }
            }
        }
        var jobs = Dictionary(plans.map { ($0.jobID, JobPlan?.some($0)) }) { first, _ in first }
        for case .job(let id) in along.keys where jobs[id] == nil { jobs[id] = .some(nil) }
        for (id, plan) in jobs.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            if let plan {
                Self.add(plan, epoch: epoch, to: &batch)
                if plan.changesRow { steps.append(.job(id)) }
                if !plan.marked.isEmpty { steps.append(.unread) }
            }
            add(.job(id))
        }
        // Of rows that are locked since the beginning.
        let undone = addUndoing(to: &batch)
        steps += (0..<undone).map { _ in .unread }
        for place in LockPlace.behindJobs { add(place) }
    }

    @discardableResult
    private func addUndoing(to batch: inout PostgresBatch) -> Int {
        var count = 0
        for plan in plans where plan.changesRow {
            guard let slot = plan.slot else { continue }
            AccountRows.addUndo(slot, of: plan.jobID, to: &batch)
            count += 1
        }
        return count
    }

    /// What the answers say: the jobs of which the row, or the slot, or the account's wait was not what had been read; and
    /// what each question is answered.
    func read(
        _ rows: [PostgresRows]
    ) throws(PostgresDecodingError) -> (moved: Set<JobID>, answers: [[PostgresRows]]) {
        var moved: Set<JobID> = []
        var movedWaits: Set<AccountID> = []
        var answers: [[PostgresRows]] = sent.queries.map { _ in [] }
        for (step, answer) in zip(steps, rows) {
            switch step {
            case .unread: break
            case .wait(let account): if answer.affected == 0 { movedWaits.insert(account) }
            case .job(let id): if try !JobSaving.isWritten(answer) { moved.insert(id) }
            case .question(let number): answers[number].append(answer)
            }
        }
        for plan in plans {
            if let account = plan.refused, movedWaits.contains(account) { moved.insert(plan.jobID) }
        }
        return (moved, answers)
    }
}
