import Clocks
import Concurrency
import Credentials
import Jobs

/// Whether a job may be called now.
enum Admission: Sendable {
    case admitted(AccessToken)
    case denied(Denial)

    /// What keeps a job from calling.
    enum Denial: Sendable {
        case end(Ending)
        /// A short wait, in flight.
        case wait(until: MonotonicTime)
        /// A hold keeps it. The dispatcher keeps it in flight or releases it, by how long the hold lasts.
        case hold
        /// A short wait for a token that could not be had; it is asked for again afterwards.
        case waitForToken(until: MonotonicTime)
        case park(until: Timestamp, cause: String)
        /// The same copy is released and comes again later; nothing was decided for the job.
        case release(until: Timestamp, StepAside)
    }
}
