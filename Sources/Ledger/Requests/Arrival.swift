public import Jobs
public import Secrets
public import Threads

/// What a delivery says of itself, as the ledger needs it.
public struct Arrival: Sendable {
    public var jobID: JobID
    public var account: AccountID
    public var tokenHash: SHA256Digest
    /// 0, and one more each time an operator redrives the dead letter.
    public var generation: Int
    /// Which copy of the job this is: 0 for the publisher's own message, and one more each time the worker parks it.
    public var copy: Int
    /// Attempts spent before this copy was written, as its header says.
    public var attempts: Int
    /// Whether, as its header says, an earlier call may have reached the API unanswered.
    public var isAmbiguous: Bool
    /// When the worker first saw the job.
    public var firstSeen: Timestamp

    public init(
        jobID: JobID, account: AccountID, tokenHash: SHA256Digest, generation: Int = 0, copy: Int = 0,
        attempts: Int = 0, isAmbiguous: Bool = false, firstSeen: Timestamp
    ) {
        self.jobID = jobID
        self.account = account
        self.tokenHash = tokenHash
        self.generation = generation
        self.copy = copy
        self.attempts = attempts
        self.isAmbiguous = isAmbiguous
        self.firstSeen = firstSeen
    }
}
