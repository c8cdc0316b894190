package import Clocks

/// One start of a daemon that shares the ledger with others, as its row says.
package struct ClusterMember: Equatable, Sendable {
    /// The raw values are the ledger's.
    package enum State: String, CaseIterable, Sendable {
        /// It is there, and has not begun.
        case joining
        case working
        /// It takes no more jobs and ends those that it has.
        case draining
        /// It ended in order.
        case gone
        /// It was not heard of for too long.
        case dead
    }

    /// Given once: a daemon that starts again has another one.
    package var epoch: Int
    /// `ledger.instance`: two that live may have the same.
    package var name: String
    package var version: String
    package var state: State
    package var startedAt: Timestamp
    /// When it was last heard of.
    package var seenAt: Timestamp
    /// What it says of itself, JSON; empty if it has not said anything.
    package var report: [UInt8]

    package init(
        epoch: Int, name: String, version: String, state: State, startedAt: Timestamp, seenAt: Timestamp,
        report: [UInt8] = []
    ) {
        self.epoch = epoch
        self.name = name
        self.version = version
        self.state = state
        self.startedAt = startedAt
        self.seenAt = seenAt
        self.report = report
    }
}

/// Who a daemon is among those that share its ledger.
package struct Membership: Equatable, Sendable {
    package var name: String
    package var epoch: Int

    package init(name: String, epoch: Int) {
        self.name = name
        self.epoch = epoch
    }
}
