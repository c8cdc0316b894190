import Jobs
import Ledger

/// A batch on its way: what is in it of a portion, and in which order its answers come.
struct Outgoing {
    private(set) var batch = PostgresBatch()
    private(set) var plans: [JobPlan] = []
    private(set) var sent = PostgresBacklog.Portion()
    private(set) var left = PostgresBacklog.Portion()
    private var changes: [AccountChange] = []
    /// What the jobs alone take.
    private var size = PostgresBatch()
    private let most: Int
    private let epoch: Int?

    /// What requests may add for their accounts.
    private var accountBytes = 0
    /// Of one: three statements' values.
    private static let mostOfAnAccount = 1_500

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

    /// Accounts are locked before jobs, by everybody. Then what goes along, as far as there is place; questions see all
    /// that came before them.
    mutating func finish(_ changes: [AccountChange], _ portion: PostgresBacklog.Portion) {
        self.changes = changes
        for change in changes { AccountRows.add(change, to: &batch) }
        for plan in plans { Self.add(plan, epoch: epoch, to: &batch) }
        for plan in plans {
            if plan.changesRow, let slot = plan.slot { AccountRows.addUndo(slot, of: plan.jobID, to: &batch) }
        }
        var isFull = !left.requests.isEmpty
        func fits(_ query: LedgerQuery) -> Bool {
            var grown = batch
            query.add(to: &grown)
            isFull = isFull || grown.byteCount > most && !batch.executions.isEmpty
            if !isFull { batch = grown }
            return !isFull
        }
        for line in portion.lines {
            if fits(line) { sent.lines.append(line) } else { left.lines.append(line) }
        }
        for query in portion.queries {
            if fits(query) { sent.queries.append(query) } else { left.queries.append(query) }
        }
    }

    /// Takes the answers of all but the questions: the jobs of which the row, or the slot, or the account's wait was not
    /// what had been read.
    func moved(_ rows: inout ArraySlice<PostgresRows>) throws(PostgresDecodingError) -> Set<JobID> {
        var moved: Set<JobID> = []
        var movedWaits: Set<AccountID> = []
        for change in changes {
            if change.changesCalls { _ = rows.popFirst() }
            if change.changesWait, let answer = rows.popFirst(), answer.affected == 0 {
                movedWaits.insert(change.account)
            }
        }
        for plan in plans {
            if plan.changesRow, let answer = rows.popFirst(), try !JobSaving.isWritten(answer) {
                moved.insert(plan.jobID)
            }
            if !plan.marked.isEmpty { _ = rows.popFirst() }
            if let account = plan.refused, movedWaits.contains(account) { moved.insert(plan.jobID) }
        }
        let undone = plans.count { $0.changesRow && $0.slot != nil }
        rows = rows.dropFirst(undone + sent.lines.reduce(0) { $0 + $1.steps.count })
        return moved
    }
}
