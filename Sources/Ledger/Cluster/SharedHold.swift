package import Clocks
package import Jobs

/// A hold that all members of a cluster are under. Times are those of the database's clock.
package struct SharedHold: Equatable, Sendable {
    package let cause: HoldCause
    package let since: Timestamp
    /// The epoch of the member that met it first.
    package let member: Int64
    /// What happened, for people; no secrets.
    package var detail: String
    /// When the next round of probes may begin. Nil for a hold that ends by an event.
    package var nextProbe: Timestamp?
    /// Of its next or present round; the first is 0.
    package var round = 0
    /// The threshold of refusals that raised it; nil: one word was enough.
    package var threshold: Int?
    /// Probes that did not lift it.
    package var refusedProbes = 0

    package init(cause: HoldCause, since: Timestamp, member: Int64, detail: String) {
        self.cause = cause
        self.since = since
        self.member = member
        self.detail = detail
    }
}

/// The right of one member to test the holds that stand, until a time of the database's clock. At that very moment it
/// still stands, as a lease does; after it another member may have its turn.
package struct ProbeTurn: Equatable, Sendable {
    /// The epoch of the member.
    package let member: Int64
    /// Given once in the cluster: what is said in the name of a turn names it, and a turn that is over says nothing.
    package let fence: Int64
    package var until: Timestamp

    package init(member: Int64, fence: Int64, until: Timestamp) {
        self.member = member
        self.fence = fence
        self.until = until
    }
}

/// Who calls first after a hold that jobs tested, while the others wait to see it succeed.
package struct FirstCaller: Equatable, Sendable {
    package let member: Int64
    /// The others begin then, whatever became of it.
    package let until: Timestamp

    package init(member: Int64, until: Timestamp) {
        self.member = member
        self.until = until
    }
}
