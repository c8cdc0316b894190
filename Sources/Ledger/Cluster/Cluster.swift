package import Clocks

/// What several workers over one ledger share besides the jobs, as one of them sees it.
///
/// Nothing is pushed: who waits for news looks again. Callable from any task.
package protocol Cluster: Sendable {
    /// Whether there may be other members. False: nothing here is asked for anything.
    var isShared: Bool { get }

    /// This member, as `ProbeTurn` names it: of this start of the process, and of no other. Another one once the member was
    /// taken for dead and has joined anew: what it had as the former is nobody's.
    var epoch: Int64 { get }

    /// What has changed since `version`.
    func look(since version: Int64) async throws(LedgerError) -> ClusterNews

    /// Makes a change, or learns why there is nothing to change. What is shared afterwards is in the answer.
    func change(_ change: ClusterChange) async throws(LedgerError) -> ClusterAnswer

    /// Asks for calls of a day, or gives back what is left. Calls that were given are this member's until it claims with
    /// them, gives them back, or is known to have ended. One request at a time.
    func allot(_ request: DayRequest) async throws(LedgerError) -> DayAnswer
}

/// What a look finds.
package struct ClusterNews: Equatable, Sendable {
    /// Nil: it is as it was.
    package var state: ClusterState?
    /// The epochs of the members that are alive, this one's included.
    package var alive: Set<Int64>
    /// The epoch of the one that looks.
    package var member: Int64

    package init(state: ClusterState?, alive: Set<Int64>, member: Int64) {
        self.state = state
        self.alive = alive
        self.member = member
    }
}

/// What became of a change.
package struct ClusterAnswer: Equatable, Sendable {
    package var isAccepted: Bool
    package var state: ClusterState
    /// A call for which the turn was renewed begins before this moment of the worker's own clock, or not at all. It
    /// counts from when the change was asked for, as that of a lease does.
    package var beginsBefore: MonotonicTime

    package init(isAccepted: Bool, state: ClusterState, beginsBefore: MonotonicTime) {
        self.isAccepted = isAccepted
        self.state = state
        self.beginsBefore = beginsBefore
    }
}

/// A worker that shares nothing with anybody: its holds, its day and its limits are its own.
package struct SoleCluster: Cluster {
    package init() {}

    package var isShared: Bool { false }
    package var epoch: Int64 { 0 }

    package func look(since version: Int64) async throws(LedgerError) -> ClusterNews {
        ClusterNews(state: nil, alive: [epoch], member: epoch)
    }

    package func change(_ change: ClusterChange) async throws(LedgerError) -> ClusterAnswer {
        ClusterAnswer(isAccepted: false, state: ClusterState(), beginsBefore: .distantFuture)
    }

    package func allot(_ request: DayRequest) async throws(LedgerError) -> DayAnswer {
        var share = DayAllotments.Share(limit: request.limit)
        share.allotted = request.limit
        return DayAnswer(share: share, ownSpent: 0, limit: request.limit, spent: 0, allottedBulk: 0)
    }
}
