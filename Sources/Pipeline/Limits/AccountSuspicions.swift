import Clocks
import Jobs

/// Accounts that wait alone because their calls are refused, or fail, and no other account's was made since: the API
/// cannot be told from the account. Each tries its jobs in rounds, as a hold does, while the others go on.
struct AccountSuspicions: Sendable {
    enum Cause: Sendable {
        case refused
        case failing

        fileprivate var plan: ProbePlan {
            switch self {
            case .refused: ProbePlan(waits: ProbePlan.quickWaits, then: .seconds(300), longest: .seconds(3600))
            case .failing: ProbePlan(waits: [], then: .seconds(30), longest: .seconds(300))
            }
        }

        var wait: AccountQueue.Wait.Cause {
            switch self {
            case .refused: .refused
            case .failing: .failing
            }
        }
    }

    private struct Suspicion {
        var cause: Cause
        var round = -1
        /// Jobs that may be tried before it waits again.
        var left = 0
    }

    private var suspicions: [AccountID: Suspicion] = [:]

    var isEmpty: Bool { suspicions.isEmpty }

    func contains(_ account: AccountID) -> Bool { suspicions[account] != nil }

    /// One more job of the account was tried in vain. `threshold`: how many failures or refusals made it wait alone.
    /// Returns how long the account waits now, nil for not at all, and how long the job stays out of the way of its
    /// others.
    mutating func failed(
        _ account: AccountID, _ cause: Cause, threshold: Int
    ) -> (wait: (cause: AccountQueue.Wait.Cause, time: Duration)?, aside: Duration) {
        var suspicion = suspicions[account] ?? Suspicion(cause: cause)
        defer { suspicions[account] = suspicion }
        let plan = suspicion.cause.plan
        suspicion.left -= 1
        guard suspicion.left <= 0 else {
            return (nil, plan.wait(before: suspicion.round + 1) + ProbePlan.longestRound * 2)
        }
        suspicion.round += 1
        suspicion.left = ProbePlan.jobs(inRound: suspicion.round, threshold: threshold)
        let wait = plan.wait(before: suspicion.round)
        return ((suspicion.cause.wait, wait), wait + ProbePlan.longestRound)
    }

    /// Ends the suspicion of the accounts for which `isFree` is true, and returns them.
    mutating func free(where isFree: (AccountID) -> Bool) -> [AccountID] {
        let freed = suspicions.keys.filter(isFree)
        for account in freed { suspicions[account] = nil }
        return freed
    }
}
