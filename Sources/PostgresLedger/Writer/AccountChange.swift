import Clocks
import Jobs
import Ledger

/// What a batch makes of one slot.
struct AccountChange: Equatable, Sendable {
    let account: AccountID
    let before: AccountSlot
    let after: AccountSlot
    /// Whether nothing is known of it, or nothing was read: it has no row, or is taken to have none.
    let isNew: Bool

    var changesCalls: Bool {
        before.busyFence != after.busyFence || before.busyUntil != after.busyUntil || before.tat != after.tat
    }
    var changesWait: Bool {
        before.waitUntil != after.waitUntil || before.waitCause != after.waitCause || before.step != after.step
    }
}

/// The slot that a claim took.
struct SlotHold: Equatable, Sendable {
    let account: AccountID
    /// With the claim's fence.
    let slot: AccountSlot
    let taken: AccountSlot.Taken

    var fence: Int64? { slot.busyFence }
}

extension AccountSlot.Taken {
    /// Of a claim that has lost it: with this fence in the table it is not, so that the claim is made anew.
    func slot(_ fence: Int64, until: Timestamp) -> AccountSlot {
        var slot = AccountSlot(number: number)
        (slot.busyFence, slot.busyUntil) = (fence, until)
        return slot
    }
}

/// The accounts of a batch, as its decisions follow one another. All times are the database's.
struct AccountsPlan: Sendable {
    private let loaded: [AccountID: [AccountSlot]]
    private(set) var slots: [AccountID: [AccountSlot]]
    private let now: Timestamp
    /// While the database's clock is not trusted, no slot ends before that.
    private let frozenUntil: Timestamp?

    init(_ loaded: [AccountID: [AccountSlot]], now: Timestamp, frozenUntil: Timestamp?) {
        self.loaded = loaded
        slots = loaded
        self.now = now
        self.frozenUntil = frozenUntil
    }

    // MARK: Decisions

    mutating func take(
        _ claim: Claim, fence: Int64, callUntil: Timestamp, limits: AccountLimits
    ) -> AccountSlotRules.Ruling {
        let account = claim.arrival.account
        let ruling = AccountSlotRules.take(
            frozen(slots[account] ?? []), for: claim.arrival.jobID, fence: fence, callUntil: callUntil, limits: limits,
            at: now)
        if case .taken(let slot, _) = ruling { save(slot, of: account) }
        return ruling
    }

    private func frozen(_ slots: [AccountSlot]) -> [AccountSlot] {
        guard let frozenUntil else { return slots }
        return slots.map { slot in
            var slot = slot
            slot.busyUntil = slot.busyUntil.map { max($0, frozenUntil) }
            return slot
        }
    }

    /// The call was heard; `isProof`: and has shown that the account is not refused.
    mutating func free(_ account: AccountID, fence: Int64, isProof: Bool) {
        guard let slot = AccountSlotRules.free(slots[account] ?? [], fence: fence) else { return }
        save(slot, of: account)
        if isProof, let first = AccountSlotRules.succeed(slots[account] ?? [], at: now) { save(first, of: account) }
    }

    mutating func withdraw(_ account: AccountID, _ lease: Lease) {
        guard let slot = AccountSlotRules.withdraw(slots[account] ?? [], fence: lease.fence, lease.slot) else { return }
        save(slot, of: account)
    }

    mutating func refuse(_ account: AccountID, _ cause: AccountWaitCause, atLeast minimum: Duration) -> Timestamp {
        let (slot, until) = AccountSlotRules.refuse(slots[account] ?? [], cause, atLeast: minimum, at: now)
        save(slot, of: account)
        return until
    }

    /// The lease of a claim begins anew. Nil: it has no slot any more.
    mutating func renew(_ account: AccountID, fence: Int64, until: Timestamp) -> AccountSlot? {
        guard var slot = slots[account]?.first(where: { $0.busyFence == fence }) else { return nil }
        slot.busyUntil = until
        save(slot, of: account)
        return slot
    }

    private mutating func save(_ slot: AccountSlot, of account: AccountID) {
        slots[account, default: []].removeAll { $0.number == slot.number }
        slots[account, default: []].append(slot)
    }

    // MARK: What is written

    /// In the order in which every batch locks them.
    var changes: [AccountChange] {
        var changes: [AccountChange] = []
        for account in slots.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            for slot in (slots[account] ?? []).sorted(by: { $0.number < $1.number }) {
                let stored = loaded[account]?.first { $0.number == slot.number }
                let change = AccountChange(
                    account: account, before: stored ?? AccountSlot(number: slot.number), after: slot,
                    isNew: stored == nil)
                if change.changesCalls || change.changesWait { changes.append(change) }
            }
        }
        return changes
    }
}
