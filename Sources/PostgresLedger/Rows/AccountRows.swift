import Clocks
import Jobs
import Ledger

/// Reading and writing of what workers share of an account. Each part of a slot is written only if it is still what was
/// read; nothing here decides.
enum AccountRows {
    // One list of accounts: of two with OR between them the second is no condition of the index, and all rows are read.
    private static let loading = PostgresStatement(
        "load_slots",
        """
        SELECT account, slot, busy_fence, busy_until, tat, wait_until, wait_cause, step FROM leave_album.accounts
        WHERE account = ANY
        ($1 || ARRAY (SELECT account FROM leave_album.jobs WHERE job_id = ANY ($2) AND account IS NOT NULL))
        """, [.bytea.array, .bytea.array])

    /// - Parameter jobs: whose accounts are meant too, where the asker does not know them.
    static func addLoad(_ accounts: [AccountID], of jobs: [JobID], to batch: inout PostgresBatch) {
        let names: [[UInt8]?] = accounts.map { $0.utf8 }
        let ids: [[UInt8]?] = jobs.map { $0.utf8 }
        batch.add(loading, [.array(names), .array(ids)])
    }

    static func question(_ accounts: [AccountID]) -> LedgerQuestion<[AccountID: [AccountSlot]]> {
        let none: [[UInt8]?] = []
        return LedgerQuestion(loading, [.array(accounts.map { $0.utf8 as [UInt8]? }), .array(none)], decode)
    }

    static func decode(_ rows: PostgresRows) throws(PostgresDecodingError) -> [AccountID: [AccountSlot]] {
        var slots: [AccountID: [AccountSlot]] = [:]
        for row in 0..<rows.count {
            var slot = AccountSlot(number: Int(try rows.value(row, 1, as: Int16.self)))
            slot.busyFence = try rows.valueIfAny(row, 2)
            slot.busyUntil = try rows.timeIfAny(row, 3)
            slot.tat = try rows.timeIfAny(row, 4)
            slot.waitUntil = try rows.timeIfAny(row, 5)
            slot.waitCause = try rows.valueIfAny(row, 6, as: String.self).flatMap(AccountWaitCause.init(rawValue:))
            slot.step = Int(try rows.value(row, 7, as: Int16.self))
            slots[AccountID(utf8: try rows.value(row, 0)), default: []].append(slot)
        }
        return slots
    }

    // MARK: Writing

    private typealias Column = PostgresColumns<AccountChange>.Column

    private static let key: [Column] = [
        Column("account") { $0.account.utf8 },
        Column("slot") { Int16(clamping: $0.after.number) },
    ]
    private static let calls: [Column] = [
        Column("busy_fence") { $0.after.busyFence },
        Column("busy_until") { time($0.after.busyUntil) },
        Column("tat") { time($0.after.tat) },
    ]
    private static let wait: [Column] = [
        Column("wait_until") { time($0.after.waitUntil) },
        Column("wait_cause") { $0.after.waitCause?.rawValue },
        Column("step") { Int16(clamping: $0.after.step) },
    ]
    /// By names that no column of the table has.
    private static let callConditions: [Column] = [
        Column("is_new") { $0.isNew },
        Column("seen_fence") { $0.before.busyFence },
        Column("seen_tat") { time($0.before.tat) },
    ]
    private static let waitConditions: [Column] = [
        Column("calls") { $0.changesCalls },
        Column("waits") { $0.changesWait },
        Column("seen_until") { time($0.before.waitUntil) },
        Column("seen_step") { Int16(clamping: $0.before.step) },
    ]
    private static let newRows = PostgresColumns(key + calls + wait)
    private static let knownRows = PostgresColumns(key + calls + wait + callConditions + waitConditions)
    private static let knownCalls = PostgresColumns(key + calls + callConditions)

    /// For the size of a batch.
    static var mostColumns: Int { newRows.count + knownRows.count }
    static var undoColumns: Int { undone.count }

    // It locks no row that is there: those follow in their order, with the next statement.
    private static let adding = PostgresStatement(
        "add_slots",
        """
        WITH added AS (INSERT INTO leave_album.accounts (\(newRows.columns.map(\.name).joined(separator: ", ")))
        SELECT u.* FROM \(newRows.table("u", from: 1)) ORDER BY u.account, u.slot
        ON CONFLICT (account, slot) DO NOTHING RETURNING account, wait_until)
        SELECT account FROM added WHERE wait_until IS NOT NULL
        """, newRows.types)

    // A row that keeps nobody from anything is as good as none.
    private static let seenCalls = """
        a.busy_fence IS NOT DISTINCT FROM u.seen_fence AND (a.tat IS NOT DISTINCT FROM u.seen_tat
        OR u.is_new AND a.tat <= now()) AND (NOT u.is_new OR a.wait_until IS NULL AND a.step = 0)
        """
    private static let seenWait = "a.wait_until IS NOT DISTINCT FROM u.seen_until AND a.step = u.seen_step"
    // Each part by itself, so that who notes a refusal keeps nobody from freeing the slot.
    private static let callsFit = "(u.calls AND \(seenCalls))"
    private static let waitsFit = "(u.waits AND \(seenWait))"

    private static func set(_ columns: [Column], if fits: String) -> [String] {
        columns.map { "\($0.name) = CASE WHEN \(fits) THEN u.\($0.name) ELSE a.\($0.name) END" }
    }

    private static let saving = PostgresStatement(
        "save_slots",
        """
        WITH asked AS MATERIALIZED (SELECT * FROM \(knownRows.table("u", from: 1)) ORDER BY account, slot),
        saved AS (UPDATE leave_album.accounts a
        SET \((set(calls, if: callsFit) + set(wait, if: waitsFit)).joined(separator: ",\n"))
        FROM asked u WHERE a.account = ANY (ARRAY[u.account]) AND a.slot = u.slot AND (\(callsFit) OR \(waitsFit))
        RETURNING a.account, u.waits AND a.wait_until IS NOT DISTINCT FROM u.wait_until
        AND a.wait_cause IS NOT DISTINCT FROM u.wait_cause AND a.step = u.step AS waits)
        SELECT account FROM saved WHERE waits
        """, knownRows.types)

    // Of those that change calls alone, which are nearly all.
    private static let savingCalls = PostgresStatement(
        "save_call_slots",
        """
        WITH asked AS MATERIALIZED (SELECT * FROM \(knownCalls.table("u", from: 1)) ORDER BY account, slot)
        UPDATE leave_album.accounts a SET \(calls.map { "\($0.name) = u.\($0.name)" }.joined(separator: ", "))
        FROM asked u WHERE a.account = ANY (ARRAY[u.account]) AND a.slot = u.slot AND \(seenCalls)
        """, knownCalls.types)

    /// Of slots whose rows are made.
    static func addNew(_ changes: [AccountChange], to batch: inout PostgresBatch) {
        batch.add(adding, newRows.parameters(changes))
    }

    /// Of what has changed of all, in the order of their accounts, behind `addNew`: for a slot that is taken to have no row
    /// may have one that keeps nobody from anything. `waiting` reads the answers of both.
    static func add(_ changes: [AccountChange], to batch: inout PostgresBatch) {
        add(changes, changeWaits: changes.contains(where: \.changesWait), to: &batch)
    }

    static func add(_ changes: [AccountChange], changeWaits: Bool, to batch: inout PostgresBatch) {
        batch.add(
            changeWaits ? saving : savingCalls, (changeWaits ? knownRows : knownCalls).parameters(changes))
    }

    /// The accounts of which the wait is what it was to be.
    static func waiting(_ rows: PostgresRows) throws(PostgresDecodingError) -> [AccountID] {
        var accounts: [AccountID] = []
        for row in 0..<rows.count { accounts.append(AccountID(utf8: try rows.value(row, 0))) }
        return accounts
    }

    // MARK: Giving back

    private static let undone = PostgresColumns<JobPlan>([
        .init("job_id") { $0.jobID.utf8 },
        .init("account") { $0.slot?.account.utf8 },
        .init("slot") { $0.slot.map { Int16(clamping: $0.taken.number) } },
        .init("fence") { $0.slot?.fence },
        .init("tat") { time($0.slot?.taken.earlierTAT) },
    ])

    private static let undoing = PostgresStatement(
        "undo_slots",
        """
        WITH failed AS MATERIALIZED (SELECT * FROM \(undone.table("u", from: 1))
        WHERE u.fence IS DISTINCT FROM (SELECT j.fence FROM leave_album.jobs j WHERE j.job_id = u.job_id)
        ORDER BY u.account, u.slot)
        UPDATE leave_album.accounts a SET busy_fence = NULL, busy_until = NULL, tat = u.tat
        FROM failed u WHERE a.account = ANY (ARRAY[u.account]) AND a.slot = u.slot AND a.busy_fence = u.fence
        """, undone.types)

    /// Gives the slots back of those claims in `plans` that came to nothing, because the job had moved.
    static func addUndo(_ plans: [JobPlan], to batch: inout PostgresBatch) {
        batch.add(undoing, undone.parameters(plans))
    }

    @Sendable
    private static func time(_ time: Timestamp?) -> PostgresTime? { time.map { PostgresTime($0) } }
}
