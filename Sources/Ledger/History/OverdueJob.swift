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
}
