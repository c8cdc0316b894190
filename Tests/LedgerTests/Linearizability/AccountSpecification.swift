import Clocks
import Jobs
import Ledger

/// One account that may have one call at a time, as `AccountSlotRules` say. Of a claim it knows only whether it was
/// granted: why one is refused is its job's affair.
struct AccountSpecification: Specification {
    struct State: Equatable {
        /// Whose claim has the slot. Nil: it is free.
        var holder: Int64?
        var lease: LeaseSpan?
    }

    let lease: ClosedRange<Duration>
    let start = State()

    private static let now = Timestamp(milliseconds: 1_800_000_000_000)
    private static let over = now - .seconds(1)
    private static let running = now + .seconds(1_000)

    func states(after operation: Operation, in state: State) -> [State] {
        switch operation.request {
        case .claim(let claim):
            guard claim.kind == .call, let limits = claim.limits else { return [state] }
            let fence = operation.answer?.lease?.fence ?? -Int64(operation.called)
            return ends(of: state, at: operation).compactMap { slots, span -> State? in
                let ruling = AccountSlotRules.take(
                    slots, for: operation.job, fence: fence, callUntil: Self.running, limits: limits, at: Self.now)
                switch (ruling, operation.answer) {
                case (.taken, .claim(.claimed)), (.taken, nil):
                    return State(holder: fence, lease: LeaseSpan(of: operation, lasting: lease))
                case (.busy, .claim(.busy)): return State(holder: state.holder, lease: span)
                case (_, .claim(.refused)), (.busy, nil): return state
                default: return nil
                }
            }
        case .record(_, let lease, let isUnheard):
            guard let lease, !isUnheard, lease.fence == state.holder else { return [state] }
            return [State()]
        case .withdraw(let lease): return [lease.fence == state.holder ? State() : state]
        case .lookUp, .markCopy, .cancel: return [state]
        }
    }

    /// The slot as the rules may find it.
    private func ends(of state: State, at operation: Operation) -> [(slots: [AccountSlot], span: LeaseSpan?)] {
        guard let holder = state.holder, let span = state.lease else { return [([], nil)] }
        func slots(until end: Timestamp) -> [AccountSlot] {
            var slot = AccountSlot(number: 0)
            (slot.busyFence, slot.busyUntil) = (holder, end)
            return [slot]
        }
        var ends: [(slots: [AccountSlot], span: LeaseSpan?)] = []
        var answered: Timestamp?
        if case .claim(.busy(.calls(let end)))? = operation.answer { answered = end }
        if let span = span.running(at: operation, to: answered) { ends.append((slots(until: Self.running), span)) }
        if let span = span.over(at: operation) { ends.append((slots(until: Self.over), span)) }
        return ends
    }
}
