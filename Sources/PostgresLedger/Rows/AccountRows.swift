import Clocks
import Jobs
import Ledger

/// Reading and writing of what workers share of an account. Each part of a slot is written only if it is still what was
/// read; nothing here decides.
enum AccountRows {
    private static let loading = PostgresStatement(
        "load_slots",
        """
        SELECT account, slot, busy_fence, busy_until, tat, wait_until, wait_cause, step FROM leave_album.accounts
        WHERE account = ANY ($1)
        OR account IN (SELECT account FROM leave_album.jobs WHERE job_id = ANY ($2) AND account IS NOT NULL)
        """, [.bytea.array, .bytea.array])

    /// - Parameter jobs: whose accounts are meant too, where the asker does not know them.
    static func addLoad(_ accounts: [AccountID], of jobs: [JobID], to batch: inout PostgresBatch) {
        let names: [[UInt8]?] = accounts.map { $0.utf8 }
        let ids: [[UInt8]?] = jobs.map { $0.utf8 }
        batch.add(loading, [.array(names), .array(ids)])
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

    private static let saving = PostgresStatement(
        "save_slot",
        """
        INSERT INTO leave_album.accounts AS a (account, slot, busy_fence, busy_until, tat) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (account, slot) DO UPDATE
        SET busy_fence = excluded.busy_fence, busy_until = excluded.busy_until, tat = excluded.tat
        WHERE a.busy_fence IS NOT DISTINCT FROM $6 AND a.tat IS NOT DISTINCT FROM $7
        """, [.bytea, .int2, .int8, .timestamptz, .timestamptz, .int8, .timestamptz])
    private static let waiting = PostgresStatement(
        "save_wait",
        """
        INSERT INTO leave_album.accounts AS a (account, slot, wait_until, wait_cause, step) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (account, slot) DO UPDATE
        SET wait_until = excluded.wait_until, wait_cause = excluded.wait_cause, step = excluded.step
        WHERE a.wait_until IS NOT DISTINCT FROM $6 AND a.step = $7
        """, [.bytea, .int2, .timestamptz, .text, .int2, .timestamptz, .int2])
    private static let undoing = PostgresStatement(
        "undo_slot",
        """
        UPDATE leave_album.accounts SET busy_fence = NULL, busy_until = NULL, tat = $4
        WHERE account = $1 AND slot = $2 AND busy_fence = $3
        AND NOT EXISTS (SELECT 1 FROM leave_album.jobs WHERE job_id = $5 AND fence = $3)
        """, [.bytea, .int2, .int8, .timestamptz, .bytea])

    /// Adds what has changed of a slot. Its answers, one for each, say how many rows they found as they were read.
    static func add(_ change: AccountChange, to batch: inout PostgresBatch) {
        let (before, after) = (change.before, change.after)
        let key: [PostgresParameter] = [.value(change.account.utf8), .value(Int16(clamping: after.number))]
        if change.changesCalls {
            batch.add(
                saving,
                key + [
                    .value(after.busyFence), .value(time(after.busyUntil)), .value(time(after.tat)),
                    .value(before.busyFence), .value(time(before.tat)),
                ])
        }
        if change.changesWait {
            batch.add(
                waiting,
                key + [
                    .value(time(after.waitUntil)), .value(after.waitCause?.rawValue),
                    .value(Int16(clamping: after.step)),
                    .value(time(before.waitUntil)), .value(Int16(clamping: before.step)),
                ])
        }
    }

    /// Gives a slot back whose claim came to nothing, because the job had moved.
    static func addUndo(_ hold: SlotHold, of job: JobID, to batch: inout PostgresBatch) {
        batch.add(
            undoing,
            [
                .value(hold.account.utf8), .value(Int16(clamping: hold.taken.number)), .value(hold.fence),
                .value(time(hold.taken.earlierTAT)), .value(job.utf8),
            ])
    }

    private static func time(_ time: Timestamp?) -> PostgresTime? { time.map { PostgresTime($0) } }
}
