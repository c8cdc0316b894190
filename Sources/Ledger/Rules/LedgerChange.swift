package import Clocks

/// What an operation changes of one job: what is saved in the same commit as its row.
package struct LedgerChange: Equatable, Sendable {
    package var row: LedgerRow
    /// A result that comes into the ledger with it, and of which generation: its own, or that of the older one which a
    /// claim closes.
    package var result: StoredResult?
    package var resultGeneration: Int
    /// Whether a cancel that is remembered for the job is forgotten: it has come to its end.
    package var forgetsCancel: Bool
    /// Whether the delivery knew more of the job than the ledger did, which has lost that.
    package var isBehind: Bool

    package init(_ row: LedgerRow, isBehind: Bool = false) {
        self.row = row
        resultGeneration = row.generation
        forgetsCancel = false
        self.isBehind = isBehind
    }

    init(_ row: LedgerRow, result: StoredResult, of generation: Int, forgetsCancel: Bool, isBehind: Bool = false) {
        self.row = row
        self.result = result
        resultGeneration = generation
        self.forgetsCancel = forgetsCancel
        self.isBehind = isBehind
    }
}

extension LedgerRules {
    /// What a claim changes, or nil where the delivery finds something that it cannot claim.
    package static func change(
        of row: LedgerRow?, by claim: Claim, lookup: LookupResult, terms: LeaseTerms? = nil
    ) -> LedgerChange? {
        guard let claimed = self.claim(row, claim, lookup: lookup, terms: terms) else { return nil }
        var change = LedgerChange(claimed, isBehind: isBehind(row, claim.arrival))
        if row != nil, case .fresh(_, let predecessor?) = lookup, let closing = claim.closing {
            change.result = closing
            change.resultGeneration = predecessor.generation
            change.forgetsCancel = true
        }
        return change
    }

    /// What a claimed job is to whoever claimed it: its own intent is not a sign of trouble yet.
    package static func claimed(_ row: LedgerRow) -> OpenJob {
        var open = row.open
        open.isAmbiguous = row.isAmbiguous
        return open
    }

    /// What a record changes, nil if nothing, and the answer once that is durable.
    package static func change(
        of row: LedgerRow?, by record: Record, under lease: Lease?, isUnheard: Bool, at now: Timestamp
    ) -> (change: LedgerChange?, answer: Recorded) {
        let arrival = record.arrival
        switch self.record(row, record, under: lease, isUnheard: isUnheard, at: now) {
        case .save(let next):
            var change = LedgerChange(next, isBehind: isBehind(row, arrival))
            if case .finished(_, let result, _, _, _, _) = record {
                change.result = result
                change.resultGeneration = arrival.generation
                change.forgetsCancel = true
            }
            return (change, .copy(next.copy))
        case .unchanged(let row): return (nil, .copy(row?.copy ?? arrival.copy))
        case .alreadyEnded: return (nil, .alreadyEnded)
        case .fenced(let alive): return (alive.map { LedgerChange($0) }, .fenced)
        }
    }

    package static func change(
        of row: LedgerRow?, losing job: OverdueJob, result: StoredResult, at now: Timestamp
    ) -> LedgerChange? {
        finishLost(row, job, at: now).map {
            LedgerChange($0, result: result, of: $0.generation, forgetsCancel: false)
        }
    }

    package static func change(
        of row: LedgerRow?, cancelling job: CancelledJob, result: StoredResult, at now: Timestamp
    ) -> LedgerChange? {
        finishCancelled(row, job, at: now).map {
            LedgerChange($0, result: result, of: $0.generation, forgetsCancel: true)
        }
    }
}
