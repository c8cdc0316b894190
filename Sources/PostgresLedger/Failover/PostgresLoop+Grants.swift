import Clocks
import Jobs
import Ledger

/// Grants that a failover has lost, written again by whoever wrote or read them last.
extension PostgresLoop {
    /// Each by its version, so that of two who bring one back the second finds it there. What this is killed in the middle of
    /// was not lost by whoever still knows it.
    mutating func compareGrants(isAnother: Bool) throws(PostgresError) {
        guard let recent = parts.grants?.recent else { return }
        let accounts = recent.accounts
        for start in stride(from: 0, to: accounts.count, by: Self.slice) {
            let slice = Array(accounts[start..<min(start + Self.slice, accounts.count)])
            let stored = Dictionary(uniqueKeysWithValues: try ask(GrantStatements.find(slice)).map { ($0.account, $0) })
            for account in slice {
                let repair = recent.repair(account, stored[account], isAnother: isAnother, at: parts.clock.now())
                if let repair { try write(repair, of: account) }
            }
        }
    }

    private mutating func write(_ repair: RecentGrants.Repair, of account: AccountID) throws(PostgresError) {
        if let row = repair.row,
            try ask(GrantStatements.restore(account, row, over: repair.over, at: parts.clock.now()))
        {
            noteLost(1)
        }
        guard let lease = repair.lease else { return }
        let question = GrantStatements.lease(
            account, version: lease.version, fence: lease.fence, for: parts.durations.whole, on: nil)
        if case .answer(.some) = try ask(question), repair.hasLostLease { noteLost(1) }
    }
}
