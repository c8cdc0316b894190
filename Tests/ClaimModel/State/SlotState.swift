import Clocks
import Ledger

/// The one slot of an account that has two jobs, with times from now.
struct SlotState: Equatable {
    /// Whose claim has it. A claim whose fence nobody remembers frees nothing any more.
    enum Holder: UInt8 {
        case nobody
        case first
        case second
        case forgotten

        init(worker: Int) { self = worker == 0 ? .first : .second }
    }

    var holder = Holder.nobody
    /// Not below where it matters no more.
    var until: Int8?

    static let limits = AccountLimits(slots: 1, perMinute: 0)
    /// The fence of a claim that is made now.
    static let claimed: Int64 = 20

    /// By what is stored alone, whatever the rules make of it.
    var isBusy: Bool { until.map { $0 >= 0 } ?? false }

    mutating func tick() { until = until.map { max($0 - 1, RowState.earliestEnd) } }

    static func fence(of worker: Int) -> Int64 { fence(of: Holder(worker: worker)) }

    private static func fence(of holder: Holder) -> Int64 { Int64(holder.rawValue) + 10 }

    /// As the rules see it. One that nobody has is as one that nobody ever took.
    var slots: [AccountSlot] {
        guard holder != .nobody else { return [] }
        var slot = AccountSlot(number: 0)
        slot.busyFence = Self.fence(of: holder)
        slot.busyUntil = until.map(RowState.time)
        return [slot]
    }

    /// `worker`: who has claimed it if its fence is that of the claim now made.
    init(_ slot: AccountSlot, claimedBy worker: Int) {
        guard let fence = slot.busyFence else { return }
        holder =
            fence == Self.claimed ? Holder(worker: worker) : Holder(rawValue: UInt8(fence - 10)) ?? .forgotten
        until = slot.busyUntil.map { RowState.ticks($0, from: RowState.earliestEnd) }
    }

    init() {}

    // MARK: Code

    func write(_ code: inout Code) {
        code.put(holder.rawValue, 2)
        code.put(UInt8(until.map { $0 - RowState.earliestEnd + 1 } ?? 0), 3)
    }

    static func read(_ code: inout Code) -> SlotState {
        var slot = SlotState()
        slot.holder = code.take(2)
        let until = Int8(code.takeByte(3))
        slot.until = until == 0 ? nil : until + RowState.earliestEnd - 1
        return slot
    }
}
