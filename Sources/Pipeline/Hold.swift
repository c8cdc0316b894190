public import Jobs
public import Threads

/// One hold, as an operator sees it.
public struct Hold: Equatable, Sendable {
    public let cause: HoldCause
    public let since: Timestamp
    /// What happened, for people; no secrets.
    public var detail: String
    /// When one job tries again. Nil for a hold that ends by an event.
    public var nextProbe: MonotonicTime?
    /// The same on the civil clock.
    public var nextProbeAt: Timestamp?
    /// Probes that were refused.
    public var refusedProbes = 0
}
