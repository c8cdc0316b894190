import Credentials
import Jobs
import Secrets

extension TokenAnswer {
    /// The same, with the account taken out of the provider's words: they go into holds and log lines, where nothing
    /// else says whose they are.
    func hiding(_ account: AccountID) -> TokenAnswer {
        func hidden(_ detail: String) -> String { Redaction.hidingAccount(account.utf8, in: detail) }
        return switch self {
        case .token, .notFound: self
        case .grantRevoked(let detail): .grantRevoked(hidden(detail))
        case .scopeMissing(let detail): .scopeMissing(hidden(detail))
        case .reauthRequired(let detail): .reauthRequired(hidden(detail))
        case .accountBlocked(let detail): .accountBlocked(hidden(detail))
        case .rejected(let detail): .rejected(hidden(detail))
        case .unavailable(let detail, let retryAfter): .unavailable(hidden(detail), retryAfter: retryAfter)
        case .misconfigured(let detail): .misconfigured(hidden(detail))
        }
    }
}
