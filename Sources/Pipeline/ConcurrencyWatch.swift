import Jobs
import Threads

/// Whether "concurrent write" is refused to so many accounts that it is not theirs.
final class ConcurrencyWatch: Sendable {
    static let accounts = 3
    static let span = Duration.seconds(300)

    private let recent = Lock<[(account: AccountID, time: MonotonicTime)]>([])

    /// True if that makes enough accounts; it begins anew then.
    func noted(_ account: AccountID, at now: MonotonicTime) -> Bool {
        recent.withLock { recent in
            recent.removeAll { now - $0.time > Self.span || $0.account == account }
            recent.append((account, now))
            guard recent.count >= Self.accounts else { return false }
            recent = []
            return true
        }
    }
}
