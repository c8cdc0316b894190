public import Clocks
import JSON
import Secrets

/// What a result message says; `encoded()` gives the bytes that are stored and published, once and for ever. All that
/// makes a result is in this file: its members, how they follow from what is known, and their bytes.
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
    /// The event as which the job's message came; its type is not told.
    public var event: EventContext?

    public init(
        jobID: JobID?, account: AccountID?, outcome: Outcome, effect: Effect, reason: Reason? = nil,
        next: NextStep? = nil, detail: String? = nil, attempts: Int, generation: Int, httpStatus: Int? = nil,
        apiStatus: String? = nil, requestedAt: String? = nil, completedAt: String?, durationMs: Int64,
        metadata: [Job.Metadatum] = [], event: EventContext? = nil
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
        self.event = event
    }
}

// MARK: What is known of the job

/// What is known of a job when it ends. A worker has its message, and knows what became of its calls; who ends it by
/// the ledger's row alone leaves the rest as it is here: unknown.
public struct ResultSubject: Equatable, Sendable {
    public var jobID: JobID
    public var account: AccountID
    public var requestedAt: String?
    public var metadata: [Job.Metadatum] = []
    public var event: EventContext?
    public var generation: Int
    /// Attempts spent in this generation.
    public var attempts: Int
    public var firstSeen: Timestamp
    /// A call of this job may have reached the API unanswered.
    public var isAmbiguous: Bool
    /// A call of this generation began, whatever became of it.
    public var hasCalled: Bool
    /// How the last call was answered, if it was. An answer to an album query is not told as this.
    public var httpStatus: Int?
    public var apiStatus: String?
    /// What the album says of the user, if it was asked and has a word on it.
    public var effect: Effect?

    public init(
        jobID: JobID, account: AccountID, generation: Int, attempts: Int, firstSeen: Timestamp, isAmbiguous: Bool,
        hasCalled: Bool
    ) {
        self.jobID = jobID
        self.account = account
        self.generation = generation
        self.attempts = attempts
        self.firstSeen = firstSeen
        self.isAmbiguous = isAmbiguous
        self.hasCalled = hasCalled
    }
}

// MARK: What it says

extension JobResult {
    /// The result of a job's generation, whoever ends it: a worker, the sweep that finds it lost, an operator who
    /// cancels it, a newer generation that takes its place.
    public init(_ ending: Ending, of job: ResultSubject, at now: Timestamp) {
        self.init(
            jobID: job.jobID, account: job.account, outcome: .left, effect: .left, attempts: job.attempts,
            generation: job.generation, httpStatus: job.httpStatus, apiStatus: job.apiStatus,
            requestedAt: job.requestedAt, completedAt: now.rfc3339,
            durationMs: max(0, (now - job.firstSeen).milliseconds), metadata: job.metadata, event: job.event)
        switch ending {
        case .left: break
        // Either way the user is not in the album, and that is what the effect is about.
        case .alreadyLeft: outcome = .alreadyLeft
        case .failed(let reason, let detail, let isAnswer):
            outcome = reason.outcome
            self.reason = reason
            next = reason.next
            self.detail = detail
            // What an operator ends is in doubt after any call, also one that was answered: the album is not asked
            // again.
            let isInDoubt = reason == .cancelled ? job.hasCalled : job.isAmbiguous
            effect = job.effect ?? reason.effect(isAmbiguous: isInDoubt)
            if !isAnswer { (httpStatus, apiStatus) = (nil, nil) }
        }
    }

    /// The message never became a job. The result says nothing of any other job with its id, and is the same each time
    /// that the message comes.
    public init(rejecting rejection: Rejection) {
        self.init(
            jobID: rejection.jobID, account: rejection.account, outcome: rejection.reason.outcome,
            effect: rejection.reason.effect(isAmbiguous: false), reason: rejection.reason, next: rejection.reason.next,
            detail: rejection.detail, attempts: 0, generation: 0, completedAt: nil, durationMs: 0,
            event: rejection.event)
    }
}

// MARK: Its bytes

extension JobResult {
    /// In bytes. The names of google.rpc.Code are far shorter.
    private static let longestAPIStatus = 64
    /// Of a success with some metadata, in bytes; a larger one grows.
    private static let usualSize = 512

    /// Compact JSON, names sorted: equal results give equal bytes.
    public func encoded() -> [UInt8] {
        var text = JSONText(capacity: Self.usualSize)
        text.begin(.object)
        text.member("account", account?.utf8)
        text.member("apiStatus", apiStatus.map { DetailText.scrubbed($0, limit: Self.longestAPIStatus) })
        text.member("attempts", Int64(attempts))
        text.member("completedAt", completedAt)
        text.member("detail", detail.map { DetailText.scrubbed($0) })
        text.member("durationMs", durationMs)
        text.member("effect", effect.rawValue)
        if let event {
            text.name("event")
            event.writeEcho(to: &text)
        }
        text.member("generation", Int64(generation))
        text.member("httpStatus", httpStatus.map(Int64.init))
        text.member("jobId", jobID?.utf8)
        Job.writeEcho(of: metadata, to: &text)
        text.member("next", next?.rawValue)
        text.member("outcome", outcome.rawValue)
        text.member("reason", reason?.rawValue)
        text.member("requestedAt", requestedAt)
        text.member("version", 1)
        text.end(.object)
        return text.bytes
    }
}
