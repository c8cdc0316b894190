import Clocks
import Concurrency
package import Jobs
import Operations
import Secrets

/// The last jobs that did not end well. A value of bounded size.
struct RecentFailures: Sendable {
    /// A screenful; the log and the dead letters have them all.
    static let kept = 20

    struct Failure: Sendable {
        var at: Timestamp
        var jobID: JobID?
        var account: AccountID?
        var outcome: Outcome
        var reason: Reason?
        var detail: String?
        var attempts: Int
    }

    // The oldest first.
    private var failures: [Failure] = []

    mutating func append(_ failure: Failure) {
        if failures.count == Self.kept { failures.removeFirst() }
        failures.append(failure)
    }

    /// Newest first.
    func shown(hashingAccounts: Bool) -> [DaemonStatus.Failure] {
        failures.reversed().map { failure in
            DaemonStatus.Failure(
                at: failure.at, jobID: failure.jobID?.string,
                account: failure.account.map { $0.shown(hashed: hashingAccounts) },
                outcome: failure.outcome.rawValue, reason: failure.reason?.rawValue ?? "", detail: failure.detail,
                attempts: failure.attempts)
        }
    }
}

extension AccountID {
    /// The same words as in the log, so that one finds the other.
    package func shown(hashed: Bool) -> String {
        hashed ? "sha256:" + SHA256Digest(of: utf8).hexadecimal.prefix(12) : string
    }
}
