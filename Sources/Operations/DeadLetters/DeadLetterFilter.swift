public import Jobs
public import Messages
public import Threads

/// Which dead letters are meant. What is not said is not asked.
public struct DeadLetterFilter: Sendable {
    public var reasons: [String]
    public var account: AccountID?
    /// Dead letters of any of these; empty: of any job.
    public var jobIDs: [JobID]
    /// Dead before that time.
    public var before: Timestamp?

    public init(reasons: [String] = [], account: AccountID? = nil, jobIDs: [JobID] = [], before: Timestamp? = nil) {
        self.reasons = reasons
        self.account = account
        self.jobIDs = jobIDs
        self.before = before
    }

    public var isOfAll: Bool { reasons.isEmpty && account == nil && jobIDs.isEmpty && before == nil }

    public func matches(_ deadLetter: DeadLetter) -> Bool {
        (reasons.isEmpty || reasons.contains(deadLetter.reason)) && (account == nil || deadLetter.account == account)
            && (jobIDs.isEmpty || deadLetter.jobID.map { jobIDs.contains($0) } ?? false)
            && (before.map { limit in deadLetter.deadAt.map { $0 < limit } ?? false } ?? true)
    }
}
