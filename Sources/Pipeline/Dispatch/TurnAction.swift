/// What a worker is to do with an item that was its turn.
enum TurnAction: Equatable, Sendable {
    /// Take the path.
    case work
    /// Take the path as the one job that tests a hold.
    case probe
    /// It waited in flight as long as it may, or has no turn for long and others need its place: it steps aside until its
    /// turn, unless it ends here.
    case awaitTurn
    /// It waited for a delivery of the same job as long as it may: publish a copy that comes later, and tell the
    /// ledger nothing, because the other delivery answers for the job.
    case awaitLeader
    /// It failed in a hold: publish the same copy that comes past the next round, so that others can be tried.
    case awaitOthers
    /// A hold lasts, or a suspect runs alone: publish a clean copy on `due`.
    case release

    /// Whether the worker may call the API with it.
    var mayCall: Bool {
        switch self {
        case .work, .probe: true
        case .awaitTurn, .awaitLeader, .awaitOthers, .release: false
        }
    }
}
