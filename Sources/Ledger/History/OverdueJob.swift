public import Jobs

/// A row whose copy has not come.
public struct OverdueJob: Equatable, Sendable {
    public var jobID: JobID
    public var account: AccountID
    public var open: OpenJob
    /// Which state of the row this was: `finishLost` ends only a row that has not changed since.
    public var revision: Int

    public init(jobID: JobID, account: AccountID, open: OpenJob, revision: Int = 0) {
        self.jobID = jobID
        self.account = account
        self.open = open
        self.revision = revision
    }
}
