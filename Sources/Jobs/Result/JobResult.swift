/// What a result message says; `encoded()` gives the bytes that are stored and published, once and for ever.
/// Shape: docs/messages.md, result version 1.
public struct JobResult: Equatable, Sendable {
    public var jobID: JobID?
    public var account: AccountID?
    public var outcome: Outcome
    public var effect: Effect
    public var reason: Reason?
    public var next: NextStep?
    /// Scrubbed of control characters and cut to 512 bytes when encoded. It must hold no token.
    public var detail: String?
    /// Attempts spent in this generation.
    public var attempts: Int
    public var generation: Int
    public var httpStatus: Int?
    public var apiStatus: String?
    public var requestedAt: String?
    /// RFC 3339, UTC, milliseconds. Nil for what was rejected: nobody remembers a rejection, so when its message comes
    /// again, after a crash or from a publisher in doubt, the same bytes are made of the message alone.
    public var completedAt: String?
    public var durationMs: Int64
    public var metadata: [Job.Metadatum]

    public init(
        jobID: JobID?, account: AccountID?, outcome: Outcome, effect: Effect, reason: Reason? = nil,
        next: NextStep? = nil, detail: String? = nil, attempts: Int, generation: Int, httpStatus: Int? = nil,
        apiStatus: String? = nil, requestedAt: String? = nil, completedAt: String?, durationMs: Int64,
        metadata: [Job.Metadatum] = []
    ) {
        self.jobID = jobID
        self.account = account
        self.outcome = outcome
        self.effect = effect
        self.reason = reason
        self.next = next
        self.detail = detail
        self.attempts = attempts
        self.generation = generation
        self.httpStatus = httpStatus
        self.apiStatus = apiStatus
        self.requestedAt = requestedAt
        self.completedAt = completedAt
        self.durationMs = durationMs
        self.metadata = metadata
    }
}
