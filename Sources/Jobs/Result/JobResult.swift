/// What a result message says; `encoded()` gives the bytes that are stored and published, once and for ever.
/// Shape: docs/messages.md, result version 1.
package struct JobResult: Equatable, Sendable {
    package var jobID: JobID?
    package var account: AccountID?
    package var outcome: Outcome
    package var effect: Effect
    package var reason: Reason?
    package var next: NextStep?
    /// Scrubbed of control characters and cut to 512 bytes when encoded. It must hold no token.
    package var detail: String?
    /// Attempts spent in this generation.
    package var attempts: Int
    package var generation: Int
    package var httpStatus: Int?
    package var apiStatus: String?
    package var requestedAt: String?
    /// RFC 3339, UTC, milliseconds. Nil for what was rejected: nobody remembers a rejection, so when its message comes
    /// again, after a crash or from a publisher in doubt, the same bytes are made of the message alone.
    package var completedAt: String?
    package var durationMs: Int64
    package var metadata: [Job.Metadatum]

    package init(
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
