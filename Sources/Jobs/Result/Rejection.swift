/// Why a message is not a job. `detail` names the member and the rule, and never holds a share token.
package struct Rejection: Error, Equatable, Sendable {
    package let reason: Reason
    package let detail: String
    /// As far as they could be read.
    package let jobID: JobID?
    package let account: AccountID?

    package init(_ reason: Reason, _ detail: String, jobID: JobID? = nil, account: AccountID? = nil) {
        self.reason = reason
        self.detail = detail
        self.jobID = jobID
        self.account = account
    }
}
