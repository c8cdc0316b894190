package import Clocks
package import Jobs

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

    /// Its result, of what the ledger knows: the members that only the message has are not in it, but
    /// for the event.
    package func result(at now: Timestamp) -> StoredResult {
        var subject = ResultSubject(
            jobID: jobID, account: account, generation: open.generation, attempts: open.attempts,
            firstSeen: open.firstSeen, isAmbiguous: open.isAmbiguous, hasCalled: hasCalled)
        subject.event = open.event
        let result = JobResult(.failed(.cancelled, detail: Self.detail(hasCalled: hasCalled)), of: subject, at: now)
        return StoredResult(result, of: jobID, at: now)
    }

    /// What the result of a cancelled job says of itself.
    package static func detail(hasCalled: Bool) -> String {
        hasCalled ? "an operator ended it after a call had begun" : "it was cancelled before a call began"
    }
}

extension JobEvent {
    /// The line of a job's history that says who ended it.
    package static func cancelledForGood(_ id: JobID, generation: Int, by who: String, at now: Timestamp) -> JobEvent {
        JobEvent(jobID: id, generation: generation, at: now, kind: "cancelled", detail: "for good, by \(who)")
    }
}
