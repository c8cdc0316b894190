/// Why a delivery steps aside: it goes back to the broker as the copy that it is, through a delay queue, because its
/// time has not come. Nothing happened to the job: no attempt, no delivery count, no new copy number.
package enum StepAside: String, CaseIterable, Sendable {
    /// The delay queues are shorter than the wait that was decided when it was parked.
    case early
    /// Its account has no turn for it yet, and others need its place; or it has waited there for a minute.
    case turn
    /// Mass jobs have had their share of the day.
    case share
    /// Another delivery of the job is in flight and answers for it.
    case following
    /// Another worker may be calling for the job, or a call that went unheard may still arrive.
    case leased
    /// It failed while the worker is on hold, and comes again after the others were tried.
    case hold

    /// The cause in a sentence, for the history and the log.
    package var message: String {
        switch self {
        case .early: "its time has not come"
        case .turn: "its account has no turn for it yet"
        case .share: "mass jobs have had their share of the day so far"
        case .following: "another delivery of it is in hand"
        case .leased: "a call for it may be on its way"
        case .hold: "the worker is on hold, and others are tried first"
        }
    }

    /// Whether the first of several in a row is a line of the job's history. What was parked has its line already, and
    /// what gives its place to others is, to all who ask, still in its queue.
    package var isLogged: Bool {
        switch self {
        case .early, .turn: false
        case .share, .following, .leased, .hold: true
        }
    }
}
