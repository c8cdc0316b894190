import Clocks
import Jobs
import Ledger

/// What this process has written lately of what workers share of accounts: calls that it has under way, and how long the API
/// wants one to be left alone. All times are the database's.
struct RecentAccounts: Sendable {
    private struct Slot {
        var written: AccountSlot
        /// Of the call that it was free of, when it was written last.
        var freed: Int64?
    }

    private struct Entry {
        var slots: [Slot] = []
        var wait: (until: Timestamp, cause: AccountWaitCause, step: Int)?

        mutating func note(_ change: AccountChange) {
            let freed = change.after.busyFence == nil ? change.before.busyFence : nil
            slots.removeAll { $0.written.number == change.after.number }
            slots.append(Slot(written: change.after, freed: freed))
        }
    }

    private var entries = RecentTable<AccountID, Entry>(most: RecentWrites.mostJobs)

    /// In the order in which every batch locks them.
    var accounts: [AccountID] { entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    /// What a batch has changed. `taken`: the fences of the claims in it that came to be; `refused`: the accounts whose wait
    /// is what it was to be.
    mutating func note(
        _ changes: [AccountChange], taken: Set<Int64>, refused: Set<AccountID>, at now: MonotonicTime
    ) {
        for change in changes {
            let isTaken = change.changesCalls && change.after.busyFence.map(taken.contains) ?? true
            guard isTaken || change.changesWait else { continue }
            entries.note(change.account, from: Entry(), at: now) { entry in
                if isTaken { entry.note(change) }
                guard change.changesWait else { return }
                if let until = change.after.waitUntil, let cause = change.after.waitCause {
                    if refused.contains(change.account) { entry.wait = (until, cause, change.after.step) }
                } else {
                    entry.wait = nil
                }
            }
        }
    }

    /// Whether it has written that slot, which then has a row, unless somebody has removed it since.
    func hasWritten(_ slot: AccountSlot, of account: AccountID) -> Bool {
        entries[account]?.slots.contains { $0.written.number == slot.number } ?? false
    }

    // MARK: After a failover

    /// What is to be made of an account of which the database has less. A call takes the place of one that has an earlier end,
    /// for it began when that was over; a slot is freed of the call that it was freed of; a wait that is not over at `now` gets
    /// longer and never shorter.
    func repair(_ account: AccountID, _ stored: [AccountSlot], at now: Timestamp) -> [AccountChange] {
        guard let entry = entries[account] else { return [] }
        var numbers = Set(entry.slots.map(\.written.number))
        if entry.wait != nil { numbers.insert(0) }
        return numbers.sorted().compactMap { number in
            let found = stored.first { $0.number == number }
            let before = found ?? AccountSlot(number: number)
            var after = before
            if let slot = entry.slots.first(where: { $0.written.number == number }) { Self.repair(&after, slot) }
            if number == 0, let wait = entry.wait, wait.until > now, after.waitUntil.map({ $0 < wait.until }) ?? true {
                (after.waitUntil, after.waitCause) = (wait.until, wait.cause)
                after.step = max(after.step, wait.step)
            }
            guard after != before else { return nil }
            return AccountChange(account: account, before: before, after: after, isNew: found == nil)
        }
    }

    private static func repair(_ after: inout AccountSlot, _ slot: Slot) {
        let written = slot.written
        if let until = written.busyUntil, after.busyUntil.map({ $0 < until }) ?? true {
            (after.busyFence, after.busyUntil) = (written.busyFence, until)
        } else if let freed = slot.freed, after.busyFence == freed {
            (after.busyFence, after.busyUntil) = (nil, nil)
        }
        // Whoever gave a call's place in the rate back gave back less than a call that began since has taken.
        if let tat = written.tat, after.tat.map({ $0 < tat }) ?? true { after.tat = tat }
    }
}
