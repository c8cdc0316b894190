import Clocks
import Jobs
import Ledger

/// What all members share and a failover has lost: holds and pauses, and of each account its calls and waits.
extension PostgresLoop {
    // MARK: Holds and pauses

    /// What is written for all rests on what all know: not before they have compared.
    mutating func add(_ query: LedgerQuery, at now: MonotonicTime) {
        if let why = failover.refusal, query.place.isShared { return query.refuse(.unavailable(why)) }
        backlog.add(query: query, at: now)
    }

    /// The newest version that anybody alive knows stands when all have compared; until then nobody makes another one.
    mutating func compareShared() throws(PostgresError) {
        guard let known = parts.shared.known else { return }
        while true {
            let found = try ask(FailoverStatements.sharedVersion)
            guard found < known.version else { return }
            // Another member may bring back its own in between.
            guard try ask(FailoverStatements.restore(known, over: found)) else { continue }
            return noteLost(Int(known.version - found))
        }
    }

    // MARK: Accounts

    /// A claim that was lost and is written again has its account's slot again; what the API was refused for, its wait.
    mutating func compareAccounts() throws(PostgresError) {
        let accounts = failover.accounts.accounts
        for start in stride(from: 0, to: accounts.count, by: Self.slice) {
            let slice = Array(accounts[start..<min(start + Self.slice, accounts.count)])
            // Another member may write its part of an account in between.
            for _ in 0..<Self.tries {
                let stored = try ask(AccountRows.question(slice))
                let now = parts.clusterClock.wall()
                let changes = slice.flatMap { failover.accounts.repair($0, stored[$0] ?? [], at: now) }
                if changes.isEmpty { break }
                try write(changes)
            }
        }
    }

    private mutating func write(_ changes: [AccountChange]) throws(PostgresError) {
        for areNew in [true, false] {
            let some = changes.filter { $0.isNew == areNew }
            guard !some.isEmpty else { continue }
            var batch = PostgresBatch()
            if areNew { AccountRows.addNew(some, to: &batch) } else { AccountRows.add(some, to: &batch) }
            let rows = try send(batch)
            do throws(PostgresDecodingError) {
                let waiting = Set(try AccountRows.waiting(rows[0]))
                // Of a call its job is counted.
                noteLost(some.count { $0.changesWait && waiting.contains($0.account) })
            } catch {
                throw fault(error)
            }
        }
    }
}
