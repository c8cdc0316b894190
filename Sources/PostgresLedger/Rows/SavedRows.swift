import Clocks
import Jobs
import Ledger
import Secrets

/// A job's row as the table has it.
struct SavedRow: Sendable {
    let account, tokenHash: [UInt8]?
    let generation, copy, attempts, malformed, revision, deaths: Int32
    let isAmbiguous, hasIntent, copyIsPublished, isFinished: Bool
    let cancelled: Int16
    let fence: Int64
    let deadLetterUnpublished, firstSeen, firstCall, due, changed, callUntil: PostgresTime?
    let event: [UInt8]?

    /// - Parameter countedAt: the times of a row that a cancel made, which has no others.
    init(_ job: StoredJob, countedAt: Timestamp? = nil) {
        let row = job.row
        account = row?.account.utf8
        tokenHash = row?.tokenHash.bytes
        generation = Int32(clamping: row?.generation ?? 0)
        copy = Int32(clamping: row?.copy ?? 0)
        attempts = Int32(clamping: row?.attempts ?? 0)
        malformed = Int32(clamping: row?.malformedAnswers ?? 0)
        revision = Int32(clamping: job.revision)
        deaths = Int32(clamping: row?.deaths ?? 0)
        isAmbiguous = row?.isAmbiguous ?? false
        hasIntent = row?.hasOpenIntent ?? false
        copyIsPublished = row?.copyIsPublished ?? true
        isFinished = row?.isFinished ?? false
        cancelled = job.cancellation?.stored ?? 0
        fence = row?.fence ?? 0
        deadLetterUnpublished = row.flatMap {
            $0.isFinished && !$0.deadLetterIsPublished ? PostgresTime($0.changedAt) : nil
        }
        firstSeen = time(row?.firstSeen ?? countedAt)
        firstCall = time(row?.firstCallAt)
        due = time(row?.due)
        changed = time(row?.changedAt ?? countedAt)
        callUntil = time(row?.callUntil)
        event = row?.event?.encoded()
    }

    /// A call of a job that was not there, without what comes of failures, copies and cancels.
    private static let plain: SavedRow = {
        let epoch = Timestamp(milliseconds: 0)
        var row = LedgerRow(
            jobID: JobID(utf8: [0]), account: AccountID(utf8: [0]), tokenHash: SHA256Hasher().finish(), generation: 0,
            copy: 0, firstSeen: epoch, changedAt: epoch)
        row.hasOpenIntent = true
        var job = StoredJob()
        job.row = row
        return SavedRow(job)
    }()

    private typealias Column = PostgresColumns<SavedRow>.Column

    /// The table's, but for the job's id.
    static let columns: [PostgresColumns<SavedRow>.Column] = [
        Column("account") { $0.account },
        Column("token_sha256") { $0.tokenHash },
        Column("generation") { $0.generation },
        Column("copy") { $0.copy },
        Column("attempts") { $0.attempts },
        Column("malformed") { $0.malformed },
        Column("ambiguous") { $0.isAmbiguous },
        Column("intent") { $0.hasIntent },
        Column("copy_published") { $0.copyIsPublished },
        Column("finished") { $0.isFinished },
        Column("dead_letter_unpublished") { $0.deadLetterUnpublished },
        Column("cancelled") { $0.cancelled },
        Column("first_seen") { $0.firstSeen },
        Column("first_call") { $0.firstCall },
        Column("due") { $0.due },
        Column("changed") { $0.changed },
        Column("revision") { $0.revision },
        Column("fence") { $0.fence },
        Column("call_until") { $0.callUntil },
        Column("deaths") { $0.deaths },
        Column("event") { $0.event },
    ]

    // What a claim of a job that was not there has of its own, and what a record changes of one that was.
    private static let ofNew: Set = [
        "account", "token_sha256", "generation", "attempts", "first_seen", "first_call", "changed", "revision", "fence",
        "call_until",
    ]
    private static let ofKnown: Set = [
        "attempts", "ambiguous", "intent", "finished", "changed", "revision", "fence", "call_until",
    ]

    /// Those of the columns that usually have to be said, and those that do not: a new row has there what a plain one has, and
    /// one that was there what it had. Each of them costs the database as much as a job's share of all.
    static func said(areNew: Bool) -> [PostgresColumns<SavedRow>.Column] {
        columns.filter { (areNew ? ofNew : ofKnown).contains($0.name) }
    }

    static func unsaid(areNew: Bool) -> [PostgresColumns<SavedRow>.Column] {
        columns.filter { !(areNew ? ofNew : ofKnown).contains($0.name) }
    }

    private static let unsaidOfNew = unsaid(areNew: true)
    private static let unsaidOfKnown = unsaid(areNew: false)

    /// Whether what is unsaid is so: of a row that was there before, as `before`; nil: of a new one.
    func isUsual(after before: SavedRow?) -> Bool {
        if let before {
            Self.unsaidOfKnown.allSatisfy { $0.isAlike(self, before) }
        } else {
            Self.unsaidOfNew.allSatisfy { $0.isAlike(self, .plain) }
        }
    }

    /// What a new row has where nothing is said.
    static func constant(_ column: PostgresColumns<SavedRow>.Column) -> String { column.constant(of: .plain) }
}

/// What is written of one job, and on what condition.
struct SavedJob: Sendable {
    let plan: JobPlan
    let row: SavedRow
    /// What it takes of the day's allotment, with all that its statement counts of that day before it. Nil: it needs none.
    let spent: Int?

    private init(_ plan: JobPlan, spent: Int?) {
        self.plan = plan
        self.spent = spent
        row = SavedRow(plan.after, countedAt: plan.countedAt)
    }

    /// In the order of their ids, which is that of the plans.
    static func all(_ plans: [JobPlan], epoch: Int?) -> [SavedJob] {
        var counted: [String: Int] = [:]
        return plans.map { plan in
            let spent = plan.spending.map { counted[$0.day, default: 0] + $0.calls }
            for (day, count) in plan.counts where day.epoch == epoch {
                counted[day.day, default: 0] += max(0, count.calls + count.albumQueries)
            }
            return SavedJob(plan, spent: spent)
        }
    }

    /// Whether nothing has to be said of it but the usual columns.
    var isUsual: Bool { row.isUsual(after: plan.before.revision == 0 ? nil : SavedRow(plan.before)) }

    private typealias Column = PostgresColumns<SavedJob>.Column

    // By names that no column of the table has.
    private static let state: [Column] = [
        Column("seen") { Int32(clamping: $0.plan.before.revision) },
        Column("seen_fence") { $0.plan.before.row?.fence ?? 0 },
    ]
    private static let conditions: [Column] = [
        Column("claims") { $0.plan.claims },
        Column("guessed_at") { time($0.plan.guess?.at) },
        Column("guessed_slots") { $0.plan.guess?.slots.map { Int16(clamping: $0) } },
        Column("slot_account") { $0.plan.slot?.account.utf8 },
        Column("slot_number") { $0.plan.slot.map { Int16(clamping: $0.taken.number) } },
        Column("slot_fence") { $0.plan.slot?.fence },
        Column("spent_day") { $0.plan.spending?.day },
        Column("spent") { $0.spent.map { Int32(clamping: $0) } },
    ]

    /// The job's id, columns of its row, and what they rest on: a new row on nothing but that there is none.
    static func columns(
        _ row: [PostgresColumns<SavedRow>.Column], areNew: Bool, hasConditions: Bool
    ) -> PostgresColumns<SavedJob> {
        PostgresColumns(
            [Column("job_id") { $0.plan.jobID.utf8 }] + row.map { Column($0) { $0.row } } + (areNew ? [] : state)
                + (hasConditions ? conditions : []))
    }

    /// As many as there may be.
    static let mostColumns = columns(SavedRow.columns, areNew: false, hasConditions: true).count
}

/// A result that comes into the ledger with its job's row.
struct SavedResult: Sendable {
    let jobID: JobID
    let generation: Int
    let result: StoredResult
    /// In the member's outbox. Nil: it gets a mark of its own when it is published.
    let number: Int64?

    static func all(_ plans: [JobPlan]) -> [SavedResult] {
        plans.flatMap { plan in
            plan.newResults.compactMap { generation in
                plan.after.results[generation].map {
                    SavedResult(
                        jobID: plan.jobID, generation: generation, result: $0.result, number: plan.numbers[generation])
                }
            }
        }
    }

    private typealias Column = PostgresColumns<SavedResult>.Column

    static let columns = PostgresColumns<SavedResult>([
        Column("job_id") { $0.jobID.utf8 },
        Column("generation") { Int32(clamping: $0.generation) },
        Column("message_id") { Array($0.result.messageID.utf8) },
        Column("outcome") { $0.result.outcome.rawValue },
        Column("reason") { $0.result.reason?.rawValue },
        Column("body") { $0.result.body },
        Column("correlation_id") { $0.result.correlationID.map { Array($0.utf8) } },
        Column("traceparent") { $0.result.traceparent.map { Array($0.utf8) } },
        Column("tracestate") { $0.result.tracestate.map { Array($0.utf8) } },
        Column("completed") { PostgresTime($0.result.completedAt) },
        Column("seq") { $0.number },
    ])
}

/// What a job counts of a day, with its row.
struct SavedCount: Sendable {
    let jobID: JobID
    let day: MemberDay
    let count: DayCount
    let at: Timestamp?

    static func all(_ plans: [JobPlan]) -> [SavedCount] {
        plans.flatMap { plan in
            plan.counts.map { SavedCount(jobID: plan.jobID, day: $0.key, count: $0.value, at: plan.countedAt) }
        }
    }

    private typealias Column = PostgresColumns<SavedCount>.Column

    static let columns = PostgresColumns<SavedCount>([
        Column("job_id") { $0.jobID.utf8 },
        Column("day") { $0.day.day },
        Column("epoch") { Int32(clamping: $0.day.epoch) },
        Column("calls") { Int32(clamping: $0.count.calls) },
        Column("probes") { Int32(clamping: $0.count.albumQueries) },
        Column("at") { time($0.at) },
    ])
}

/// A result that the broker has.
struct SavedMark: Sendable {
    let jobID: JobID
    let generation: Int

    static func all(_ plans: [JobPlan]) -> [SavedMark] {
        plans.flatMap { plan in plan.marked.map { SavedMark(jobID: plan.jobID, generation: $0) } }
    }

    private typealias Column = PostgresColumns<SavedMark>.Column

    static let columns = PostgresColumns<SavedMark>([
        Column("job_id") { $0.jobID.utf8 }, Column("generation") { Int32(clamping: $0.generation) },
    ])
}

private func time(_ time: Timestamp?) -> PostgresTime? { time.map { PostgresTime($0) } }
