package import Jobs

/// A row whose copy has not come.
package struct OverdueJob: Equatable, Sendable {
    package var jobID: JobID
    package var account: AccountID
    package var open: OpenJob
    /// Which state of the row this was: `finishLost` ends only a row that has not changed since.
    package var revision: Int

    package init(jobID: JobID, account: AccountID, open: OpenJob, revision: Int = 0) {
        self.jobID = jobID
        self.account = account
        self.open = open
        self.revision = revision
    }

    /// What the result of a lost job can tell: the members that only the message has are not in it, but for the event.
    package var resultSubject: ResultSubject {
        var subject = ResultSubject(
            jobID: jobID, account: account, generation: open.generation, attempts: open.attempts,
            firstSeen: open.firstSeen, isAmbiguous: open.isAmbiguous, hasCalled: open.hasCalled)
        subject.event = open.event
        return subject
    }
}
