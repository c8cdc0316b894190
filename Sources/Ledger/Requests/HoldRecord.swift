public import Jobs
public import Threads

/// A time in which the worker stood still, kept for the stories and the ages of the jobs that it stopped.
public struct HoldRecord: Equatable, Sendable {
    public var cause: HoldCause
    public var since: Timestamp
    /// Nil while it lasts.
    public var until: Timestamp?
    /// For people; no tokens.
    public var detail: String

    public init(cause: HoldCause, since: Timestamp, until: Timestamp?, detail: String) {
        self.cause = cause
        self.since = since
        self.until = until
        self.detail = detail
    }
}
