public import Clocks
import JSON
import Secrets

/// How far a job is before its result; nobody may count on it. A class, because it is passed on and never changes, and most
/// jobs have none.
/// Shape: docs/messages.md, progress version 1.
public final class JobProgress: Sendable {
    public let jobID: JobID
    public let account: AccountID
    public let state: ProgressState
    public let generation: Int
    /// Which of the messages of this generation it is, from 1.
    public let number: Int
    /// Attempts spent in this generation.
    public let attempts: Int
    public let at: Timestamp
    /// When it goes on, as far as that is known.
    public let until: Timestamp?
    /// What holds it, for `held`: one word.
    public let cause: String?
    /// For people, without tokens.
    public let detail: String?
    public let metadata: [Job.Metadatum]
    public let event: EventContext?
    /// What goes with it, as with the result.
    public let trace: TraceContext

    public init(
        of job: Job, _ state: ProgressState, generation: Int, number: Int, attempts: Int, at: Timestamp,
        until: Timestamp? = nil, cause: String? = nil, detail: String? = nil, event: EventContext? = nil,
        trace: TraceContext = TraceContext()
    ) {
        jobID = job.id
        account = job.account
        self.state = state
        self.generation = generation
        self.number = number
        self.attempts = attempts
        self.at = at
        self.until = until
        self.cause = cause
        self.detail = detail
        metadata = job.metadata
        self.event = job.event ?? event
        self.trace = trace
    }

    /// `<jobId>#<generation>:p<number>`.
    public var messageID: String { "\(jobID.string)#\(generation):p\(number)" }

    /// Of one with a detail, in bytes; a larger one grows.
    private static let usualSize = 512

    /// Compact JSON, names sorted, as a result's.
    public func encoded() -> [UInt8] {
        var text = JSONText(capacity: Self.usualSize)
        text.begin(.object)
        text.member("account", account.utf8)
        text.member("at", at.rfc3339)
        text.member("attempts", Int64(attempts))
        text.member("cause", cause)
        text.member("detail", detail.map { DetailText.scrubbed($0) })
        if let event {
            text.name("event")
            event.writeEcho(to: &text)
        }
        text.member("generation", Int64(generation))
        text.member("jobId", jobID.utf8)
        Job.writeEcho(of: metadata, to: &text)
        text.member("state", state.rawValue)
        text.member("until", until?.rfc3339)
        text.member("version", 1)
        text.end(.object)
        return text.bytes
    }
}
