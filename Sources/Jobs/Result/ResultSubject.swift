/// Whom a result is about, and what it echoes of the job. Where only the ledger's row is left of a job, the echo is
/// empty.
public struct ResultSubject: Equatable, Sendable {
    public var jobID: JobID
    public var account: AccountID?
    public var requestedAt: String?
    public var metadata: [Job.Metadatum]

    public init(
        jobID: JobID, account: AccountID?, requestedAt: String? = nil, metadata: [Job.Metadatum] = []
    ) {
        self.jobID = jobID
        self.account = account
        self.requestedAt = requestedAt
        self.metadata = metadata
    }

    public init(_ job: Job) {
        self.init(jobID: job.id, account: job.account, requestedAt: job.requestedAt, metadata: job.metadata)
    }
}
