/// Why a message is not a job. `detail` names the member and the rule, and never holds a share token.
public struct Rejection: Error, Equatable, Sendable {
    public let reason: Reason
    public let detail: String
    /// As far as they could be read.
    public let jobID: JobID?
    public let account: AccountID?
    /// Of the event as which the message came, as far as it can be told.
    public let event: EventContext?

    public init(
        _ reason: Reason, _ detail: String, jobID: JobID? = nil, account: AccountID? = nil, event: EventContext? = nil
    ) {
        self.reason = reason
        self.detail = detail
        self.jobID = jobID
        self.account = account
        self.event = event
    }

    /// The same of a message that came as this event.
    func about(_ event: EventContext?) -> Rejection {
        Rejection(reason, detail, jobID: jobID, account: account, event: event)
    }
}
