public import Jobs
public import Threads

/// Everything that the ledger knows of one job.
public struct JobStory: Sendable {
    public enum State: Equatable, Sendable {
        /// `isCalling`: a call was begun and has not ended, or the daemon died in it.
        case open(OpenJob, isCalling: Bool)
        /// `resultIsPublished`: the results of all its generations.
        case finished(resultIsPublished: Bool, letterIsPublished: Bool)
    }

    public var jobID: JobID
    public var account: AccountID
    /// Hexadecimal SHA-256 of the share token.
    public var tokenHash: String
    public var generation: Int
    public var attempts: Int
    public var isAmbiguous: Bool
    public var firstSeen: Timestamp
    public var firstCallAt: Timestamp?
    public var changedAt: Timestamp
    public var state: State
    /// One for each generation that ended, oldest first.
    public var results: [StoredResult]
    public var events: [JobEvent]
    /// Times in which the worker stood still between the job's first sight and its end.
    public var holds: [HoldRecord]
}
