package import Clocks
package import Jobs
package import Secrets

/// What a delivery says of itself, as the ledger needs it.
package struct Arrival: Sendable {
    package var jobID: JobID
    package var account: AccountID
    package var tokenHash: SHA256Digest
    /// 0, and one more each time an operator redrives the dead letter.
    package var generation: Int
    /// Which copy of the job this is: 0 for the publisher's own message, and one more each time the worker parks it.
    package var copy: Int
    /// Attempts spent before this copy was written, as its header says.
    package var attempts: Int
    /// Whether, as its header says, an earlier call may have reached the API unanswered.
    package var isAmbiguous: Bool
    /// When the worker first saw the job.
    package var firstSeen: Timestamp
    /// The event as which the job came, whose source belongs to what the job is.
    package var event: EventContext?
    /// It is a copy of the worker's own: one that a program made which knows no events does not name its event.
    package var isCopy: Bool

    package init(
        jobID: JobID, account: AccountID, tokenHash: SHA256Digest, generation: Int = 0, copy: Int = 0,
        attempts: Int = 0, isAmbiguous: Bool = false, firstSeen: Timestamp, event: EventContext? = nil,
        isCopy: Bool = false
    ) {
        self.jobID = jobID
        self.account = account
        self.tokenHash = tokenHash
        self.generation = generation
        self.copy = copy
        self.attempts = attempts
        self.isAmbiguous = isAmbiguous
        self.firstSeen = firstSeen
        self.event = event
        self.isCopy = isCopy
    }
}
