import Clocks
import Jobs
import Ledger

/// The account's one slot, in the commits of claim, record and withdrawal.
extension SharedLedger {
    /// Whether the claim of the worker gets it.
    mutating func takeSlot(_ slot: inout SlotState, for index: Int) -> Bool {
        var slots = slot.slots
        var end = RowState.time(Ticks.sendWindow + Ticks.timeLimit + Ticks.grace)
        switch mutant {
        case .busySlotIsTaken: slots = []
        case .slotIsTakenAtTheEnd: slots = slots.map(\.endingSooner)
        case .slotWithoutTimeLimit: end = RowState.time(Ticks.sendWindow + Ticks.grace)
        case .slotWithoutGrace: end = RowState.time(Ticks.sendWindow + Ticks.timeLimit)
        default: break
        }
        let ruling = AccountSlotRules.take(
            slots, for: RowState.job, fence: SlotState.claimed, callUntil: end, limits: SlotState.limits,
            at: RowState.now)
        guard case .taken(let taken, _) = ruling else { return false }
        if slot.isBusy { broken = .oneHolder }
        slot = SlotState(taken, claimedBy: index)
        return true
    }

    /// The worker's call was heard, or never made.
    mutating func freeSlot(_ slot: inout SlotState, of index: Int) {
        let isAnyones = mutant == .slotIsFreedByAnybody
        let fence = isAnyones ? slot.slots.first?.busyFence ?? 0 : SlotState.fence(of: index)
        guard let freed = AccountSlotRules.free(slot.slots, fence: fence) else { return }
        slot = SlotState(freed, claimedBy: index)
    }
}

extension AccountSlot {
    fileprivate var endingSooner: AccountSlot {
        var slot = self
        slot.busyUntil = busyUntil.map { $0 - .milliseconds(1) }
        return slot
    }
}
