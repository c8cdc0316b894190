import Jobs
import Secrets
import Threads

/// What is stored of a job: the state of its newest generation.
struct LedgerRow: Equatable, Sendable {
    var jobID: JobID
    var account: AccountID
    var tokenHash: SHA256Digest
    var generation: Int
    var copy: Int
    var attempts = 0
    var isAmbiguous = false
    /// A call was begun and has not ended. Found open by a later look, it makes the job ambiguous.
    var hasOpenIntent = false
    var malformedAnswers = 0
    var firstSeen: Timestamp
    var firstCallAt: Timestamp?
    var due: Timestamp?
    var copyIsPublished = true
    var isFinished = false
    var resultIsPublished = false
    var letterIsPublished = false
    /// When it last changed; pruning goes by it.
    var changedAt: Timestamp

    /// A row for a delivery that has none: what the copy's headers say is believed, so a lost ledger is not blind.
    init(_ arrival: Arrival, at now: Timestamp) {
        jobID = arrival.jobID
        account = arrival.account
        tokenHash = arrival.tokenHash
        generation = arrival.generation
        copy = arrival.copy
        attempts = arrival.attempts
        isAmbiguous = arrival.isAmbiguous
        firstSeen = arrival.firstSeen
        changedAt = now
    }

    init(
        jobID: JobID, account: AccountID, tokenHash: SHA256Digest, generation: Int, copy: Int, firstSeen: Timestamp,
        changedAt: Timestamp
    ) {
        self.jobID = jobID
        self.account = account
        self.tokenHash = tokenHash
        self.generation = generation
        self.copy = copy
        self.firstSeen = firstSeen
        self.changedAt = changedAt
    }

    var open: OpenJob {
        OpenJob(
            generation: generation, copy: copy, attempts: attempts, isAmbiguous: isAmbiguous || hasOpenIntent,
            malformedAnswers: malformedAnswers, firstSeen: firstSeen, firstCallAt: firstCallAt, due: due,
            copyIsPublished: copyIsPublished)
    }
}
