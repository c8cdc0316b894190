import Jobs
import Secrets
import Threads

/// What is stored of a job: the state of its newest generation. Results are kept beside it, one per generation.
struct LedgerRow: Equatable, Sendable {
    /// Of the job in this file; 0 until it has been saved there.
    var number = 0
    var jobID: JobID
    var account: AccountID
    var tokenHash: SHA256Digest
    var generation: Int
    /// The number of the newest copy.
    var copy: Int
    var attempts = 0
    var isAmbiguous = false
    /// A call was begun and has not ended. Found open by a later look, it makes the job ambiguous.
    var hasOpenIntent = false
    var malformedAnswers = 0
    var firstSeen: Timestamp
    var firstCallAt: Timestamp?
    /// When the newest copy comes. Nil once that copy was claimed or handed back.
    var due: Timestamp?
    var copyIsPublished = true
    var isFinished = false
    /// Of the newest generation; true too when it needs none. Means nothing before the end.
    var letterIsPublished = false
    /// When the job last moved; pruning goes by it. Marks do not move it.
    var changedAt: Timestamp
    /// One more with each change, so that what was seen can be told from what is.
    var revision = 0

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

    /// A row for a generation that has none: what the copy's headers say is believed, so a lost ledger is not blind.
    /// What the older generation did not hear of, the newer one has not heard of either.
    init(_ arrival: Arrival, after older: LedgerRow?, at now: Timestamp) {
        self.init(
            jobID: arrival.jobID, account: arrival.account, tokenHash: arrival.tokenHash,
            generation: arrival.generation, copy: arrival.copy, firstSeen: arrival.firstSeen, changedAt: now)
        attempts = arrival.attempts
        isAmbiguous = arrival.isAmbiguous || older.map(\.mayHaveCalledUnheard) ?? false
        number = older?.number ?? 0
        revision = older?.revision ?? 0
    }

    /// No call of this generation began.
    var hasNeverCalled: Bool { firstCallAt == nil && !hasOpenIntent && attempts == 0 && !isAmbiguous }

    /// A call may have reached the API unanswered.
    var mayHaveCalledUnheard: Bool { isAmbiguous || hasOpenIntent }

    var isOpenInDoubt: Bool { !isFinished && mayHaveCalledUnheard }

    var open: OpenJob {
        OpenJob(
            generation: generation, copy: copy, attempts: attempts, isAmbiguous: mayHaveCalledUnheard,
            malformedAnswers: malformedAnswers, firstSeen: firstSeen, firstCallAt: firstCallAt, due: due,
            copyIsPublished: copyIsPublished)
    }

    /// None of these ever goes back.
    mutating func raise(attempts: Int, isAmbiguous: Bool, malformedAnswers: Int) {
        self.attempts = max(self.attempts, attempts)
        self.isAmbiguous = self.isAmbiguous || isAmbiguous
        self.malformedAnswers = max(self.malformedAnswers, malformedAnswers)
    }

    mutating func finish(needsLetter: Bool) {
        hasOpenIntent = false
        due = nil
        copyIsPublished = true
        isFinished = true
        letterIsPublished = !needsLetter
    }
}
