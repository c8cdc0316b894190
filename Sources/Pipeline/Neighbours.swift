import Jobs
import Threads

/// Whether a refusal is the job's own or everybody's: it is the job's while its neighbours succeed.
struct Neighbours: Sendable {
    /// A success of another account counts for so long.
    static let memory = Duration.seconds(600)

    /// The refusals that count together: of one cause, and of one patience with it.
    private struct Kind: Hashable {
        var cause: HoldCause
        var accounts: Int
    }

    private var latest: (account: AccountID, time: MonotonicTime)?
    /// The latest success of an account other than `latest`'s, so that no account is its own neighbour.
    private var other: (account: AccountID, time: MonotonicTime)?
    private var refused: [Kind: Set<AccountID>] = [:]

    mutating func succeeded(_ account: AccountID, at now: MonotonicTime) {
        if let latest, latest.account != account { other = latest }
        latest = (account, now)
        refused = [:]
    }

    enum Ruling: Equatable {
        /// The neighbours succeed: the refusal is the job's own.
        case own
        /// Nobody else succeeded lately, and too few were refused to tell.
        case undecided
        /// So many accounts were refused, and none succeeded: it is the world's.
        case everybodys
    }

    mutating func refused(
        _ account: AccountID, _ cause: HoldCause, accounts: Int, at now: MonotonicTime
    ) -> Ruling {
        if hasSucceeded(besides: account, at: now) { return .own }
        let kind = Kind(cause: cause, accounts: accounts)
        refused[kind, default: []].insert(account)
        return refused[kind, default: []].count >= accounts ? .everybodys : .undecided
    }

    private func hasSucceeded(besides account: AccountID, at now: MonotonicTime) -> Bool {
        [latest, other].contains { success in
            success.map { $0.account != account && now - $0.time <= Self.memory } ?? false
        }
    }
}
