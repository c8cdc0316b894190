package import Clocks
package import Jobs

/// An account that waits alone, as an operator sees it.
package struct AccountHold: Equatable, Sendable {
    package var account: AccountID
    /// `quota_minute`, `concurrent_write`: it is over its own rate. `refused`: all its calls are refused, and
    /// `api_unavailable`: the API fails for it, and in neither case was another account called since; it tries again in
    /// rounds. `operator_paused`.
    package var cause: String
    /// Nil for a pause, which lasts until it is resumed, and while an account that waited is tried.
    package var until: Timestamp?
    /// What the API said last, for people; no secrets.
    package var detail: String?
    /// Whether it may last: neither a rate that passes by itself nor an operator's word.
    package var isFault: Bool

    package init(account: AccountID, cause: String, until: Timestamp?, detail: String?, isFault: Bool) {
        self.account = account
        self.cause = cause
        self.until = until
        self.detail = detail
        self.isFault = isFault
    }

    init(_ wait: Dispatch.AccountWait) {
        self.init(
            account: wait.account, cause: wait.wait.cause.rawValue, until: wait.wait.untilWall,
            detail: wait.wait.detail, isFault: wait.wait.cause.isFault)
    }

    /// Counts by cause, each cause being there.
    static func counts(_ counts: [AccountQueue.Wait.Cause: Int]) -> [String: Int] {
        var named: [String: Int] = [:]
        for cause in AccountQueue.Wait.Cause.allCases { named[cause.rawValue] = counts[cause] ?? 0 }
        return named
    }
}

/// An account begins to wait alone, or goes on.
enum AccountWaitEvent: Sendable {
    case begins(Dispatch.AccountWait)
    case over(AccountID, AccountQueue.Wait.Cause)

    var event: PipelineEvent {
        switch self {
        case .begins(let wait): .accountWaits(AccountHold(wait))
        case .over(let account, let cause): .accountGoesOn(.init(account: account, cause: cause.rawValue))
        }
    }
}
