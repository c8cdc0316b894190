package import Clocks

/// Work of which once is enough for all members: one at a time has it, for a while.
package enum ClusterDuty: String, CaseIterable, Sendable {
    /// To publish what members that have ended left unpublished, and to end the jobs whose copies are lost.
    case sweep
    /// To remove what is older than the retention.
    case retention

    /// For so long it is a member's, unless that one ends before. Twice and more the time between two rounds, so that who
    /// is late once keeps it.
    package var time: Duration {
        switch self {
        case .sweep: .seconds(180)
        case .retention: .seconds(2 * 3_600)
        }
    }
}

/// Who has a duty. Past its time, by the database's clock, it is anybody's.
package struct DutyHolder: Equatable, Sendable {
    /// The epoch of the member.
    package let member: Int64
    package let until: Timestamp

    package init(member: Int64, until: Timestamp) {
        self.member = member
        self.until = until
    }
}
