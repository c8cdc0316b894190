import Clocks
import Jobs
import Ledger
import Secrets

/// One job, as `LedgerRules` say.
struct JobSpecification: Specification {
    struct State: Equatable {
        /// Without the times that are the ledger's own, and without what no answer shows.
        var row: LedgerRow?
        /// Nil: no call may be on its way.
        var lease: LeaseSpan?
        var results: [Int: StoredResult] = [:]
        var cancellation: Cancellation?
    }

    /// How long a lease lasts.
    let lease: ClosedRange<Duration>
    let start = State()

    private static let now = Timestamp(milliseconds: 1_800_000_000_000)
    /// What stands for the end of a lease, by what the rules are to take it for.
    private static let over = now - .seconds(1)
    private static let running = now + .seconds(1_000)
    private static let claimed = now + .seconds(2_000)

    func states(after operation: Operation, in state: State) -> [State] {
        guard let span = state.lease else {
            return self.state(after: operation, in: state, callUntil: nil).map { [$0] } ?? []
        }
        var states: [State] = []
        if let span = span.running(at: operation, to: operation.answer?.leasedUntil) {
            var state = state
            state.lease = span
            if let next = self.state(after: operation, in: state, callUntil: Self.running) { states.append(next) }
        }
        if let span = span.over(at: operation) {
            var state = state
            state.lease = span
            if let next = self.state(after: operation, in: state, callUntil: Self.over) { states.append(next) }
        }
        return states
    }

    private func state(after operation: Operation, in state: State, callUntil: Timestamp?) -> State? {
        var row = state.row
        row?.callUntil = callUntil
        var next = state
        /// Takes the row over, with what its lease is now.
        func save(_ row: LedgerRow) {
            if row.callUntil == nil { next.lease = nil }
            if row.callUntil == Self.claimed { next.lease = LeaseSpan(of: operation, lasting: lease) }
            next.row = Self.withoutTimes(row)
        }
        switch operation.request {
        case .lookUp(let arrival):
            guard case .lookUp(let answer)? = operation.answer else { return state }
            return View(lookUp(arrival, row, state)) == View(answer) ? state : nil
        case .claim(let claim):
            let lookup = lookUp(claim.arrival, row, state)
            let fence = operation.answer?.lease?.fence ?? -Int64(operation.called)
            let claimed = LedgerRules.claim(
                row, claim, lookup: lookup, terms: LeaseTerms(fence: fence, callUntil: Self.claimed))
            switch operation.answer {
            case .claim(.busy): return state
            case .claim(.refused(let answer)): return claimed == nil && View(answer) == View(lookup) ? state : nil
            default: break
            }
            guard let claimed else { return operation.answer == nil ? state : nil }
            if case .claim(.claimed(let open, let lease))? = operation.answer {
                var expected = claimed.open
                expected.isAmbiguous = claimed.isAmbiguous
                guard View(open) == View(expected), lease.isFirstCall == claimed.isFirstCall(of: claim, over: row)
                else {
                    return nil
                }
            }
            if case .fresh(_, let predecessor?) = lookup {
                next.results[predecessor.generation] = claim.closing
                next.cancellation = nil
            }
            save(claimed)
        case .record(let record, let lease, let isUnheard):
            let ruling = LedgerRules.record(row, record, under: lease, isUnheard: isUnheard, at: Self.now)
            if case .record(let recorded)? = operation.answer, recorded != Self.recorded(ruling, record) { return nil }
            switch ruling {
            case .save(let row):
                save(row)
                if case .finished(let arrival, let result, _, _, _, _) = record {
                    next.results[arrival.generation] = result
                    next.cancellation = nil
                }
            case .fenced(let row?): save(row)
            case .fenced(nil), .unchanged, .alreadyEnded: break
            }
        case .withdraw(let lease):
            if let row = LedgerRules.withdraw(row, lease, at: Self.now) { save(row) }
        case .markCopy(let number, let generation):
            if let row, let row = LedgerRules.mark(row, .copy(number), generation: generation) { save(row) }
        case .cancel:
            let isInTime = LedgerRules.mayCancel(row)
            if case .cancel(let answer)? = operation.answer, answer != isInTime { return nil }
            if isInTime { next.cancellation = .beforeCall }
        }
        return next
    }

    private func lookUp(_ arrival: Arrival, _ row: LedgerRow?, _ state: State) -> LookupResult {
        let lookup = LedgerRules.lookUp(row, arrival, cancellation: state.cancellation, at: Self.now) { generation in
            state.results[generation].map { ResultRecord(result: $0, isPublished: false) }
        }
        guard let lookup else { preconditionFailure("a finished generation has its result") }
        return lookup
    }

    private static func recorded(_ ruling: LedgerRules.RecordRuling, _ record: Record) -> Recorded {
        switch ruling {
        case .save(let row): .copy(row.copy)
        case .unchanged(let row): .copy(row?.copy ?? record.arrival.copy)
        case .alreadyEnded: .alreadyEnded
        case .fenced: .fenced
        }
    }

    private static func withoutTimes(_ row: LedgerRow) -> LedgerRow {
        var row = row
        (row.number, row.revision, row.deaths) = (0, 0, 0)
        (row.firstSeen, row.changedAt, row.callUntil) = (now, now, nil)
        if row.firstCallAt != nil { row.firstCallAt = now }
        return row
    }
}
