import Credentials
import Threads

/// Whether a job may be called now.
enum Admission: Sendable {
    case admitted(AccessToken)
    case denied(Denial)

    /// What keeps a job from calling.
    enum Denial: Sendable {
        case end(Ending)
        /// A short wait, in flight.
        case wait(until: MonotonicTime)
        /// The same for a token that could not be had, which is asked for again.
        case waitForToken(until: MonotonicTime)
        case park(until: Timestamp, cause: String)
        /// The same copy comes again later: nothing was decided of it.
        case release(until: Timestamp, StepAside)
    }
}
