/// Why a message is not a job. `detail` names the member and the rule, and never holds a share token.
public struct Rejection: Error, Equatable, Sendable {
    public let reason: Reason
    public let detail: String
    /// As far as they could be read.
    public let jobID: JobID?
    public let account: AccountID?

    public init(_ reason: Reason, _ detail: String, jobID: JobID? = nil, account: AccountID? = nil) {
        self.reason = reason
        self.detail = detail
        self.jobID = jobID
        self.account = account
    }
}
