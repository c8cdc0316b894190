package import Clocks
package import Jobs

/// One hold, as an operator sees it.
package struct Hold: Equatable, Sendable {
    package let cause: HoldCause
    package let since: Timestamp
    /// What happened, for people; no secrets.
    package var detail: String
    /// When the next round of probes begins. Nil for a hold that ends by an event.
    package var nextProbe: MonotonicTime?
    /// The time of the next probe on the wall clock, for people.
    package var nextProbeAt: Timestamp?
    /// Probes that did not lift it.
    package var refusedProbes = 0
    /// Jobs that ended for the same refusal since the last success, before the refusal was known to be systemic.
    package var ended: [JobID] = []
    /// The threshold of refusals that raised it; nil: one word was enough.
    var threshold: Int?
    /// Of its next or present round; the first is 0.
    var round = 0

    var policy: HoldPolicy { .of(cause) }
}
