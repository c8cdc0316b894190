import Jobs
import Threads

/// Accounts that wait alone because their calls are refused and no other account's was made since: the world cannot
/// be told from the account. Each tries its jobs in rounds, as a hold does, while the others go on.
struct AccountSuspicions: Sendable {
    private static let plan = ProbePlan.ofAccounts
    /// Jobs of the account that were refused before it became one.
    private static let evidence = 2

    private struct Suspicion {
        var round = -1
        /// Jobs that may be tried before it waits again.
        var left = 0
    }

    private var suspicions: [AccountID: Suspicion] = [:]

    var isEmpty: Bool { suspicions.isEmpty }

    /// One more job of the account was refused. Gives how long the account waits now, nil for not at all, and how long
    /// the job stays out of the way of its others.
    mutating func refused(_ account: AccountID) -> (wait: Duration?, aside: Duration) {
        var suspicion = suspicions[account] ?? Suspicion()
        defer { suspicions[account] = suspicion }
        suspicion.left -= 1
        guard suspicion.left <= 0 else {
            return (nil, Self.plan.wait(before: suspicion.round + 1) + ProbePlan.longestRound * 2)
        }
        suspicion.round += 1
        suspicion.left = ProbePlan.jobs(inRound: suspicion.round, evidence: Self.evidence)
        let wait = Self.plan.wait(before: suspicion.round)
        return (wait, wait + ProbePlan.longestRound)
    }

    /// Those that `isFree` names are suspects no longer.
    mutating func free(where isFree: (AccountID) -> Bool) -> [AccountID] {
        let freed = suspicions.keys.filter(isFree)
        for account in freed { suspicions[account] = nil }
        return freed
    }
}
