package import Clocks
package import Jobs

/// A time in which the worker stood still, kept for the histories and the ages of the jobs that it stopped.
package struct HoldRecord: Equatable, Sendable {
    package var cause: HoldCause
    package var since: Timestamp
    /// Nil while it lasts.
    package var until: Timestamp?
    /// For people; no tokens.
    package var detail: String

    package init(cause: HoldCause, since: Timestamp, until: Timestamp?, detail: String) {
        self.cause = cause
        self.since = since
        self.until = until
        self.detail = detail
    }
}
