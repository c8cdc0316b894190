package import Clocks
package import Jobs

/// Everything that the ledger knows of one job.
package struct JobRecord: Sendable {
    package enum State: Equatable, Sendable {
        /// `isCalling`: a call was begun and has not ended, or the daemon died in it.
        case open(OpenJob, isCalling: Bool)
        /// `resultIsPublished`: the results of all its generations.
        case finished(resultIsPublished: Bool, deadLetterIsPublished: Bool)
    }

    package var jobID: JobID
    package var account: AccountID
    /// Hexadecimal SHA-256 of the share token.
    package var tokenHash: String
    package var generation: Int
    package var attempts: Int
    package var isAmbiguous: Bool
    package var firstSeen: Timestamp
    package var firstCallAt: Timestamp?
    package var changedAt: Timestamp
    package var state: State
    /// One for each generation that ended, oldest first.
    package var results: [StoredResult]
    package var events: [JobEvent]
    /// Times in which the worker stood still between the job's first sight and its end.
    package var holds: [HoldRecord]

    package init(
        jobID: JobID, account: AccountID, tokenHash: String, generation: Int, attempts: Int, isAmbiguous: Bool,
        firstSeen: Timestamp, firstCallAt: Timestamp? = nil, changedAt: Timestamp, state: State,
        results: [StoredResult], events: [JobEvent], holds: [HoldRecord]
    ) {
        self.jobID = jobID
        self.account = account
        self.tokenHash = tokenHash
        self.generation = generation
        self.attempts = attempts
        self.isAmbiguous = isAmbiguous
        self.firstSeen = firstSeen
        self.firstCallAt = firstCallAt
        self.changedAt = changedAt
        self.state = state
        self.results = results
        self.events = events
        self.holds = holds
    }
}

/// A stored result, and whether the broker is known to have it.
package struct ResultRecord: Equatable, Sendable {
    package var result: StoredResult
    package var isPublished: Bool

    package init(result: StoredResult, isPublished: Bool) {
        self.result = result
        self.isPublished = isPublished
    }
}
