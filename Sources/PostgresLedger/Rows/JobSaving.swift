import Clocks
import Jobs
import Ledger

/// Writing of what was decided of the jobs of a batch: the last round trip, mostly the only one. The jobs that are new to
/// the ledger are one statement, those that it has are another. Each does nothing of a job whose row is not what was read
/// or guessed, so that of what belongs to one job either all is written or nothing, whatever becomes of the others.
///
/// Two forms keep the planner from what it would do. A key is compared by `= ANY (ARRAY[key])`, which only a look into
/// the key's index can answer: by `=` it may read a whole table instead, and settles for that while the table is empty.
/// Where a job is looked for in what the same statement has written, `IS TRUE` keeps that a table of hashes: as a join it
/// would be compared with each of them.
enum JobSaving {
    /// What a statement has of it all: a table costs its opening though there is nothing for it, and a column though all
    /// have the same in it.
    struct Form: Hashable, CaseIterable, Sendable {
        /// Jobs that are new to the ledger; else those that it has.
        var areNew: Bool
        /// Only what is usual has to be said of their rows.
        var areUsual: Bool
        /// What may be refused for what others have done, and counts of days.
        var hasConditions: Bool
        var hasResults: Bool

        init(areNew: Bool, areUsual: Bool, hasConditions: Bool, hasResults: Bool) {
            self.areNew = areNew
            self.areUsual = areUsual
            self.hasConditions = hasConditions
            self.hasResults = hasResults
        }

        /// As these need it, which are all new or all known.
        init(_ jobs: [SavedJob]) {
            areNew = jobs.first?.plan.before.revision == 0
            areUsual = jobs.allSatisfy(\.isUsual)
            let plans = jobs.lazy.map(\.plan)
            hasConditions = plans.contains { $0.claims || $0.slot != nil || $0.spending != nil || !$0.counts.isEmpty }
            hasResults = plans.contains { !$0.newResults.isEmpty }
        }

        static let allCases: [Form] = {
            let both = [false, true]
            return both.flatMap { areNew in
                both.flatMap { areUsual in
                    both.flatMap { hasConditions in
                        both.map {
                            Form(areNew: areNew, areUsual: areUsual, hasConditions: hasConditions, hasResults: $0)
                        }
                    }
                }
            }
        }()

        var row: [PostgresColumns<SavedRow>.Column] { areUsual ? SavedRow.said(areNew: areNew) : SavedRow.columns }

        fileprivate var name: String {
            ([areNew ? "insert_jobs" : "update_jobs"] + (hasConditions ? ["conditions"] : [])
                + (hasResults ? ["results"] : []) + (areUsual ? [] : ["all_columns"])).joined(separator: "_with_")
        }
    }

    /// A statement of that form, and the columns of its jobs.
    struct Saving: Sendable {
        let statement: PostgresStatement
        fileprivate let jobs: PostgresColumns<SavedJob>
    }

    static let statements = Dictionary(uniqueKeysWithValues: Form.allCases.map { ($0, saving($0)) })

    /// Adds jobs that are all new to the ledger, or that it has, by their ids; `written` reads the answer.
    static func add(_ plans: [JobPlan], epoch: Int?, to batch: inout PostgresBatch) {
        let jobs = SavedJob.all(plans, epoch: epoch)
        add(jobs, as: Form(jobs), epoch: epoch, to: &batch)
    }

    static func add(_ jobs: [SavedJob], as form: Form, epoch: Int?, to batch: inout PostgresBatch) {
        guard let saving = statements[form] else { preconditionFailure("there is a statement of each form") }
        let plans = jobs.map(\.plan)
        var parameters = saving.jobs.parameters(jobs)
        parameters.append(.value(Int32(clamping: epoch ?? 0)))
        if form.hasResults { parameters += SavedResult.columns.parameters(SavedResult.all(plans)) }
        if form.hasConditions { parameters += SavedCount.columns.parameters(SavedCount.all(plans)) }
        batch.add(saving.statement, parameters)
    }

    // MARK: SQL

    private static func saving(_ form: Form) -> Saving {
        let jobs = SavedJob.columns(form.row, areNew: form.areNew, hasConditions: form.hasConditions)
        let member = jobs.count + 1
        let results = form.hasResults ? SavedResult.columns.types : []
        let counts = form.hasConditions ? SavedCount.columns.types : []
        var parts = form.hasConditions ? [share(jobs, member), allowed(jobs, member)] : [given(jobs)]
        parts.append(form.areNew ? inserted(form) : updated(form))
        if form.hasResults { parts.append(stored(member)) }
        if form.hasConditions { parts.append(counted(from: member + results.count + 1)) }
        let statement = PostgresStatement(
            form.name, "WITH \(parts.joined(separator: ", ")) SELECT job_id FROM moved",
            jobs.types + [.int4] + results + counts)
        return Saving(statement: statement, jobs: jobs)
    }

    /// What is left to the member of the days. Locked, because a batch of the same member may be on its way over a
    /// connection that the member has given up.
    private static func share(_ jobs: PostgresColumns<SavedJob>, _ member: Int) -> String {
        """
        share AS MATERIALIZED (SELECT day, allotted - calls - probes AS calls_left FROM leave_album.day_shares
        WHERE day = ANY (\(jobs.place(of: "spent_day", from: 1))) AND epoch = $\(member) ORDER BY day FOR UPDATE)
        """
    }

    /// The jobs of which something is written, in the order of locks: a claim is made by a member, and by nobody who is
    /// taken for dead; it has the slot that it needs; what it takes of the day, with what those before it take, was
    /// allotted to that member; and what was guessed for it is so.
    private static func allowed(_ jobs: PostgresColumns<SavedJob>, _ member: Int) -> String {
        """
        allowed AS MATERIALIZED (SELECT u.* FROM \(jobs.table("u", from: 1))
        WHERE (NOT u.claims OR EXISTS (SELECT 1 FROM leave_album.instances
        WHERE epoch = $\(member) AND \(MemberStatements.isLive)))
        AND (u.spent_day IS NULL OR u.spent <= (SELECT s.calls_left FROM share s WHERE s.day = u.spent_day))
        AND (u.guessed_at IS NULL OR u.guessed_at BETWEEN now() AND now() + interval '\(guessedWithin) milliseconds')
        AND (u.slot_number IS NULL OR (SELECT bool_or(a.slot = u.slot_number AND a.busy_fence = u.slot_fence)
        AND (u.guessed_slots IS NULL OR NOT bool_or(a.slot = 0 AND (a.wait_until IS NOT NULL OR a.step > 0)
        OR a.slot >= u.guessed_slots AND a.busy_fence IS NOT NULL))
        FROM leave_album.accounts a WHERE a.account = ANY (ARRAY[u.slot_account])))
        ORDER BY u.job_id)
        """
    }

    private static let guessedWithin = 2 * JobGuesses.clockError.milliseconds

    private static func given(_ jobs: PostgresColumns<SavedJob>) -> String {
        "allowed AS MATERIALIZED (SELECT u.* FROM \(jobs.table("u", from: 1)) ORDER BY u.job_id)"
    }

    private static func inserted(_ form: Form) -> String {
        let said = Set(form.row.map(\.name))
        let values = SavedRow.columns.map { said.contains($0.name) ? $0.name : SavedRow.constant($0) }
        return """
            moved AS (INSERT INTO leave_album.jobs (job_id, \(SavedRow.columns.map(\.name).joined(separator: ", ")))
            SELECT job_id, \(values.joined(separator: ", ")) FROM allowed ON CONFLICT (job_id) DO NOTHING RETURNING job_id)
            """
    }

    private static func updated(_ form: Form) -> String {
        """
        moved AS (UPDATE leave_album.jobs j SET \(form.row.map { "\($0.name) = u.\($0.name)" }.joined(separator: ", "))
        FROM allowed u WHERE j.job_id = ANY (ARRAY[u.job_id]) AND j.revision = u.seen
        AND j.fence = u.seen_fence RETURNING j.job_id)
        """
    }

    private static func stored(_ member: Int) -> String {
        """
        stored AS (INSERT INTO leave_album.results (\(SavedResult.columns.columns.map(\.name).joined(separator: ", ")), owner)
        SELECT r.*, $\(member) FROM \(SavedResult.columns.table("r", from: member + 1))
        WHERE (r.job_id IN (SELECT job_id FROM moved)) IS TRUE ORDER BY r.job_id, r.generation
        ON CONFLICT (job_id, generation) DO NOTHING)
        """
    }

    private static func counted(from first: Int) -> String {
        """
        counted AS (INSERT INTO leave_album.day_shares AS d (day, epoch, calls, probes, at)
        SELECT c.day, c.epoch, sum(c.calls), sum(c.probes), min(c.at)
        FROM \(SavedCount.columns.table("c", from: first))
        WHERE (c.job_id IN (SELECT job_id FROM moved)) IS TRUE GROUP BY c.day, c.epoch ORDER BY c.day, c.epoch
        ON CONFLICT (day, epoch) DO UPDATE SET calls = d.calls + excluded.calls, probes = d.probes + excluded.probes)
        """
    }

    // MARK: Answers

    /// The jobs of which the row was still what had been read.
    static func written(_ rows: PostgresRows) throws(PostgresDecodingError) -> [JobID] {
        var ids: [JobID] = []
        for row in 0..<rows.count { ids.append(JobID(utf8: try rows.value(row, 0))) }
        return ids
    }

    // MARK: Locks and marks

    // As strong as the strongest of the statements that follow it.
    private static let locking = PostgresStatement(
        "lock_jobs",
        """
        WITH locked AS MATERIALIZED (SELECT 1 FROM leave_album.jobs WHERE job_id = ANY ($1) ORDER BY job_id FOR UPDATE)
        SELECT count(*) FROM locked
        """, [.bytea.array])

    /// Those that there are, where more than one statement of a batch locks some.
    static func addLocks(_ ids: [JobID], to batch: inout PostgresBatch) {
        let names: [[UInt8]?] = ids.map { $0.utf8 }
        batch.add(locking, [.array(names)])
    }

    // By the ids alone, which the key has in their order: of a join the planner may read all of an index, and compare each
    // of its rows with each mark. The first of its batch's rows.
    private static let marking = PostgresStatement(
        "mark_results",
        """
        UPDATE leave_album.results SET published_at = now()
        WHERE job_id = ANY (\(SavedMark.columns.place(of: "job_id", from: 1))) AND published_at IS NULL
        AND ((job_id, generation) IN (SELECT u.job_id, u.generation FROM \(SavedMark.columns.table("u", from: 1)))) IS TRUE
        """, SavedMark.columns.types)

    static func addMarks(_ plans: [JobPlan], to batch: inout PostgresBatch) {
        batch.add(marking, SavedMark.columns.parameters(SavedMark.all(plans)))
    }
}
