import Clocks
import Jobs
import Ledger
import Secrets

/// What is written of one job's row, and on what condition.
struct SavedJob: Sendable {
    let plan: JobPlan
    /// What it takes of the day's allotment, with all that its statement counts of that day before it. Nil: it needs none.
    let spent: Int?

    /// In the order of their ids, which is that of the plans.
    static func all(_ plans: [JobPlan], epoch: Int?) -> [SavedJob] {
        var counted: [String: Int] = [:]
        return plans.map { plan in
            let spent = plan.spending.map { counted[$0.day, default: 0] + $0.calls }
            for (day, count) in plan.counts where day.epoch == epoch {
                counted[day.day, default: 0] += max(0, count.calls + count.albumQueries)
            }
            return SavedJob(plan: plan, spent: spent)
        }
    }

    private typealias Column = PostgresColumns<SavedJob>.Column

    /// The table's, but for the job's id.
    static let row: [PostgresColumns<SavedJob>.Column] = [
        .row("account") { $0.account.utf8 },
        .row("token_sha256") { $0.tokenHash.bytes },
        .counter("generation") { $0.generation },
        .counter("copy") { $0.copy },
        .counter("attempts") { $0.attempts },
        .counter("malformed") { $0.malformedAnswers },
        .flag("ambiguous") { $0.isAmbiguous },
        .flag("intent") { $0.hasOpenIntent },
        .flag("copy_published", otherwise: true) { $0.copyIsPublished },
        .flag("finished") { $0.isFinished },
        .row("dead_letter_unpublished") {
            $0.isFinished && !$0.deadLetterIsPublished ? PostgresTime($0.changedAt) : nil
        },
        Column("cancelled") { $0.plan.after.cancellation?.stored ?? 0 },
        Column("first_seen") { time($0.plan.after.row?.firstSeen ?? $0.plan.countedAt) },
        .row("first_call") { time($0.firstCallAt) },
        .row("due") { time($0.due) },
        Column("changed") { time($0.plan.after.row?.changedAt ?? $0.plan.countedAt) },
        Column("revision") { Int32(clamping: $0.plan.after.revision) },
        Column("fence") { $0.plan.after.row?.fence ?? 0 },
        .row("call_until") { time($0.callUntil) },
        .counter("deaths") { $0.deaths },
        .row("event") { $0.event?.encoded() },
    ]

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

    static let columns = PostgresColumns([Column("job_id") { $0.plan.jobID.utf8 }] + row + state + conditions)
    /// Of those whose row alone decides.
    static let unconditional = PostgresColumns([Column("job_id") { $0.plan.jobID.utf8 }] + row + state)
}

extension PostgresColumns.Column where Row == SavedJob {
    /// NULL in a row that a cancel made.
    fileprivate static func row<Value: PostgresScalar>(
        _ name: String, _ value: @escaping @Sendable (LedgerRow) -> Value?
    ) -> Self {
        Self(name) { $0.plan.after.row.flatMap(value) }
    }

    fileprivate static func counter(_ name: String, _ value: @escaping @Sendable (LedgerRow) -> Int) -> Self {
        Self(name) { Int32(clamping: $0.plan.after.row.map(value) ?? 0) }
    }

    fileprivate static func flag(
        _ name: String, otherwise: Bool = false, _ value: @escaping @Sendable (LedgerRow) -> Bool
    ) -> Self {
        Self(name) { $0.plan.after.row.map(value) ?? otherwise }
    }
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
