package import Clocks

/// What several workers over one ledger share besides the jobs, as one of them sees it. A worker that shares its ledger
/// with nobody has none.
///
/// Nothing is pushed: who waits for news looks again. Callable from any task.
package protocol Cluster: Sendable {
    /// This member, as `ProbeTurn` names it: of this start of the process, and of no other. Another one once the member was
    /// taken for dead and has joined anew: what it had as the former is nobody's.
    var epoch: Int64 { get }

    /// What operators call this member. Others may bear the same name.
    var name: String { get }

    /// What has changed since `version`.
    func look(since version: Int64) async throws(LedgerError) -> ClusterNews

    /// Makes a change, or learns why there is nothing to change. What is shared afterwards is in the answer.
    func change(_ change: ClusterChange) async throws(LedgerError) -> ClusterAnswer

    /// Asks for calls of a day, or gives back what is left. Calls that were given are this member's until it claims with
    /// them, gives them back, or is known to have ended. One request at a time.
    func allot(_ request: DayRequest) async throws(LedgerError) -> DayAnswer

    /// Says that this member works by that version of what is shared, or by a later one.
    func acknowledge(_ version: Int64) async throws(LedgerError)

    /// The live members that have not said so of that version. One that has acknowledged nothing since its start takes no
    /// job before it has looked, and is none of them.
    func membersBehind(_ version: Int64) async throws(LedgerError) -> [MemberIdentity]
}

extension Cluster {
    /// Takes a duty, or keeps it. What is shared as this member has the duty; nil if another one has it, or nobody can say.
    package func take(_ duty: ClusterDuty) async -> ClusterState? {
        guard let answer = try? await change(.take(duty)) else { return nil }
        return answer.state.duties[duty]?.member == epoch ? answer.state : nil
    }
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
