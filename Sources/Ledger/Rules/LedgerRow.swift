package import Clocks
package import Jobs
package import Secrets

/// What is stored of a job: the state of its newest generation. Results are kept beside it, one per generation.
package struct LedgerRow: Equatable, Sendable {
    /// Of the job in this file; 0 until it has been saved there.
    package var number = 0
    package var jobID: JobID
    package var account: AccountID
    package var tokenHash: SHA256Digest
    package var generation: Int
    /// The number of the newest copy.
    package var copy: Int
    package var attempts = 0
    package var isAmbiguous = false
    /// A call was begun and has not ended. Found open by a later look, it makes the job ambiguous.
    package var hasOpenIntent = false
    package var malformedAnswers = 0
    package var firstSeen: Timestamp
    package var firstCallAt: Timestamp?
    /// When the newest copy comes. Nil once that copy was claimed or handed back.
    package var due: Timestamp?
    package var copyIsPublished = true
    package var isFinished = false
    /// Whether the newest generation's dead letter is published, or none is needed. No meaning before the end.
    package var deadLetterIsPublished = false
    /// When the job last moved; pruning goes by it. Marks do not move it.
    package var changedAt: Timestamp
    /// The event as which the job came: as its account, it is the job's for good. Nil also where a program that knows no
    /// events made the row.
    package var event: EventContext?
    /// The lease of the newest claim: whose it is, and until when a call under it may still be on its way. Nil: nothing
    /// is on its way, or the ledger is one process's own. The fence stays when the lease has ended.
    package var fence: Int64 = 0
    package var callUntil: Timestamp?
    /// Leases in a row whose process is known to have ended with the call begun, for whoever looks at the table. What becomes
    /// of a job that kills its workers goes by its deliveries, which know of each death at once, under whatever epoch.
    package var deaths = 0
    /// Incremented by each change, so that a caller can detect that the row changed since it was read.
    package var revision = 0

    package init(
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
    package init(_ arrival: Arrival, after older: LedgerRow?, at now: Timestamp) {
        self.init(
            jobID: arrival.jobID, account: arrival.account, tokenHash: arrival.tokenHash,
            generation: arrival.generation, copy: arrival.copy, firstSeen: arrival.firstSeen, changedAt: now)
        attempts = arrival.attempts
        isAmbiguous = arrival.isAmbiguous || older.map(\.mayHaveCalledUnheard) ?? false
        number = older?.number ?? 0
        fence = older?.fence ?? 0
        revision = older?.revision ?? 0
        event = older.map(\.event) ?? arrival.event
    }

    /// Whether a delivery is one of this job. An event's id is unique among those of its source alone.
    package func isJob(of arrival: Arrival) -> Bool {
        account == arrival.account && tokenHash == arrival.tokenHash
            && (event?.source == arrival.event?.source || arrival.isCopy && (event == nil || arrival.event == nil))
    }

    /// No call of this generation began.
    package var hasNeverCalled: Bool { firstCallAt == nil && !hasOpenIntent && attempts == 0 && !isAmbiguous }

    /// A call may have reached the API unanswered.
    package var mayHaveCalledUnheard: Bool { isAmbiguous || hasOpenIntent }

    /// Until when a call for the job may be on its way, if it may at `now`. At the last moment itself it still may.
    package func runningLease(at now: Timestamp) -> Timestamp? {
        callUntil.flatMap { $0 >= now ? $0 : nil }
    }

    package var isOpenInDoubt: Bool { !isFinished && mayHaveCalledUnheard }

    /// Nothing but the call that was begun last is in doubt.
    package var isInDoubtByItsCallAlone: Bool { !isFinished && hasOpenIntent && !isAmbiguous }

    package var open: OpenJob {
        OpenJob(
            generation: generation, copy: copy, attempts: attempts, isAmbiguous: mayHaveCalledUnheard,
            malformedAnswers: malformedAnswers, firstSeen: firstSeen, firstCallAt: firstCallAt, due: due,
            copyIsPublished: copyIsPublished, event: event)
    }

    /// Whether the claim that made this row of `old` is for the first call of the generation.
    package func isFirstCall(of claim: Claim, over old: LedgerRow?) -> Bool {
        claim.kind == .call && (old?.generation != generation || old?.firstCallAt == nil)
    }

    /// Raises the values to at least these; no value ever decreases.
    package mutating func raise(attempts: Int, isAmbiguous: Bool, malformedAnswers: Int) {
        self.attempts = max(self.attempts, attempts)
        self.isAmbiguous = self.isAmbiguous || isAmbiguous
        self.malformedAnswers = max(self.malformedAnswers, malformedAnswers)
    }

    /// Gives the row to whoever claims. An intent that stands open is one that its owner brought no answer of: what it
    /// leaves behind is the ambiguity.
    package mutating func take(on terms: LeaseTerms) {
        if hasOpenIntent {
            isAmbiguous = true
            hasOpenIntent = false
            if terms.ownerHasEnded { deaths += 1 }
        }
        fence = terms.fence
        callUntil = terms.callUntil
    }

    package mutating func finish(needsDeadLetter: Bool) {
        hasOpenIntent = false
        due = nil
        copyIsPublished = true
        isFinished = true
        deadLetterIsPublished = !needsDeadLetter
    }
}
