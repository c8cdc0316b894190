package import Clocks
package import Jobs
package import Messages

/// Which dead letters are meant. What is not said is not asked.
package struct DeadLetterFilter: Sendable {
    package var reasons: [String]
    package var account: AccountID?
    /// Dead letters of any of these; empty: of any job.
    package var jobIDs: [JobID]
    /// Dead before that time.
    package var before: Timestamp?

    package init(reasons: [String] = [], account: AccountID? = nil, jobIDs: [JobID] = [], before: Timestamp? = nil) {
        self.reasons = reasons
        self.account = account
        self.jobIDs = jobIDs
        self.before = before
    }

    package var isOfAll: Bool { reasons.isEmpty && account == nil && jobIDs.isEmpty && before == nil }

    package func matches(_ deadLetter: DeadLetter) -> Bool {
        (reasons.isEmpty || reasons.contains(deadLetter.reason)) && (account == nil || deadLetter.account == account)
            && (jobIDs.isEmpty || deadLetter.jobID.map { jobIDs.contains($0) } ?? false)
            && (before.map { limit in deadLetter.deadAt.map { $0 < limit } ?? false } ?? true)
    }
}
