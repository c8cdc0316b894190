public import Jobs
public import Threads

/// One hold, as an operator sees it.
public struct Hold: Equatable, Sendable {
    public let cause: HoldCause
    public let since: Timestamp
    /// What happened, for people; no secrets.
    public var detail: String
    /// When the next round of probes begins. Nil for a hold that ends by an event.
    public var nextProbe: MonotonicTime?
    /// The same on the civil clock.
    public var nextProbeAt: Timestamp?
    /// Probes that did not lift it.
    public var refusedProbes = 0
    /// Jobs that ended for the same refusal since the last success, before it was known to be everybody's.
    public var ended: [JobID] = []
    /// The threshold of refusals that raised it; nil: one word was enough.
    var threshold: Int?
    /// Of its next or present round; the first is 0.
    var round = 0

    var policy: HoldPolicy { .of(cause) }
}
