package import Jobs

/// What a member changes of what all share.
package enum ClusterChange: Equatable, Sendable {
    /// All hold. A hold of that cause that stands already stays as it is, but for its words.
    case engage(SharedHold)
    /// The holds are over. `by`: the fence of the turn whose probe showed it; nil: who set them, or an operator, takes
    /// them back.
    case lift(Set<HoldCause>, by: Int64?)
    /// Asks for the turn to test the holds.
    case beginProbe
    /// A probe is about to call: the turn lasts until that call must have ended.
    case renewProbe(fence: Int64)
    /// A round lifted nothing, or ended before it did. The holds as they stand after it: when and how each is tested next.
    case endRound(fence: Int64, [SharedHold])
    /// An operator lets jobs test the holds now.
    case probeNow
    /// The member that called first after a hold has succeeded often enough: the others begin.
    case letOthersStart
    /// A call was refused or failed, and nothing is held for it yet. With what the others have met it may be everybody's:
    /// then all hold, as given.
    case testify(ClusterEvidence, SharedHold)
    /// The member holds alone for what may be its own fault. If another has held for the same and nobody has succeeded
    /// since, it is everybody's: then all hold, as given.
    case meet(SharedHold)
    /// A call was heard, so that failures before it are no row; `isSuccess`: the user has left, so that refusals before it
    /// are nobody's but the jobs'.
    case disprove(isSuccess: Bool)
    /// The member takes its part of what all have together, by how many are alive: a smaller one at once, a larger one as
    /// soon as the others have left it.
    case divide
    /// The member has no use for its part, and leaves it to the others until it asks for one again.
    case leaveParts
    /// An operator pauses an account for all, or lets it go on.
    case pause(AccountID)
    case resume(AccountID)
    /// An operator lets the members of a name take no work, or lets them go on.
    case pauseMember(String, detail: String)
    case resumeMember(String)
    /// The member has its lanes, or has lost them.
    case consumes(Bool)
    /// The member does that from now on, if nobody else does.
    case take(ClusterDuty)
}
