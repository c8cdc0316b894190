import Concurrency
package import Ledger

/// What calls came to while the database was away, over the end of the process.
extension DatabaseLedger {
    /// What a closed ledger has not written, for the next start; nil if that is nothing.
    package var unwrittenOutcomes: OutcomeJournal? {
        let outcomes = unwritten.withLock { $0.all }.compactMap { SpooledOutcome($0) }
        guard !outcomes.isEmpty else { return nil }
        return OutcomeJournal(ledger: identity.ledger, writer: memberName, outcomes: outcomes)
    }

    /// Whether it was written of this ledger.
    package func isOwn(_ journal: OutcomeJournal) -> Bool { journal.ledger == identity.ledger }

    /// Writes what an earlier process heard. It is believed as the word of whoever holds the lease, as long as nobody has
    /// claimed since, and else as far as it proves that the user has left. To bring the same again changes nothing.
    ///
    /// It waits out a database that is away. Returns how many were not believed.
    package func bring(_ journal: OutcomeJournal) async throws(LedgerError) -> Int {
        precondition(isOwn(journal), "outcomes are brought to the ledger that they are of")
        var fenced = 0
        for outcome in journal.outcomes {
            switch outcome.word {
            case .record(let record, let isUnheard):
                if try await self.record(record, under: outcome.lease, isUnheard: isUnheard) == .fenced { fenced += 1 }
            case .withdrawal(let id, let kind, let day):
                try await withdraw(outcome.lease, of: id, kind: kind, day: day)
            }
        }
        return fenced
    }
}
