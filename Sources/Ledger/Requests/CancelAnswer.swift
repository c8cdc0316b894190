package import Clocks
package import Jobs

/// What an operator finds who ends a job for good.
package enum CancelAnswer: Equatable, Sendable {
    /// No open job of that id is known here: whenever a delivery of it comes, it ends without a call.
    case remembered
    /// The job is open. The cancel is remembered too, so that the job ends even without `finishCancelled`.
    case open(CancelledJob)
    /// The job has its result.
    case ended(StoredResult)
}

/// An open job that an operator ends, as it was found.
package struct CancelledJob: Equatable, Sendable {
    package var jobID: JobID
    package var account: AccountID
    package var open: OpenJob
    /// A call of this generation began, whatever became of it.
    package var hasCalled: Bool
    /// Which state of the row this was: `finishCancelled` ends only a row that has not changed since.
    package var revision: Int

    package init(jobID: JobID, account: AccountID, open: OpenJob, hasCalled: Bool, revision: Int) {
        self.jobID = jobID
        self.account = account
        self.open = open
        self.hasCalled = hasCalled
        self.revision = revision
    }

    /// Its result, of what the ledger knows: the members that only the message has are not in it.
    package func result(at now: Timestamp) -> StoredResult {
        let result = JobResult.failed(
            .cancelled, ResultSubject(jobID: jobID, account: account), isAmbiguous: hasCalled,
            detail: Self.detail(hasCalled: hasCalled), attempts: open.attempts, generation: open.generation,
            completedAt: now, duration: now - open.firstSeen)
        return StoredResult(result, of: jobID, at: now)
    }

    /// What the result of a cancelled job says of itself.
    package static func detail(hasCalled: Bool) -> String {
        hasCalled ? "an operator ended it after a call had begun" : "it was cancelled before a call began"
    }
}

extension JobEvent {
    /// The line of a job's story that says who ended it.
    package static func cancelledForGood(_ id: JobID, generation: Int, by who: String, at now: Timestamp) -> JobEvent {
        JobEvent(jobID: id, generation: generation, at: now, kind: "cancelled", detail: "for good, by \(who)")
    }
}

/// A remembered cancel: the job ends without another call when a delivery of it comes.
package enum Cancellation: Sendable {
    /// Unless a call has begun: a publisher's word, or an operator's.
    case beforeCall
    /// Whatever has been called: an operator's last word.
    case always
}
