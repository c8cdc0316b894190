package import Clocks
import Jobs

/// What became of a job in flight. Each closes the intent; the row never forgets an attempt or an ambiguity.
package enum Record: Sendable {
    /// The job has its result. With `needsDeadLetter`, a dead letter is to be published as well. Makes the row if there
    /// is none. `isAssumed`: nobody has said that the user has left, it is only taken for so.
    case finished(
        Arrival, StoredResult, attempts: Int, isAmbiguous: Bool, needsDeadLetter: Bool, isAssumed: Bool = false)
    /// A copy with the number `arrival.copy + 1` (or one above the row's) is about to be published, to come at `due`.
    /// Makes the row if there is none.
    case parked(Arrival, attempts: Int, isAmbiguous: Bool, malformedAnswers: Int, due: Timestamp)
    /// The call ended, the job stays in flight. Needs a row; nothing happens without one.
    case callEnded(Arrival, attempts: Int, isAmbiguous: Bool, malformedAnswers: Int)
    /// The newest copy goes back to the broker as it is, to come at `due`: it has arrived before its time or its turn,
    /// or was called in a hold. From then on it can be lost like one that was parked. Needs a row that knows of no
    /// newer copy; nothing happens without one.
    case postponed(Arrival, due: Timestamp)
    /// The newest copy goes back to the broker as it is, to come at `due`, because a call of somebody else may be on its
    /// way. Nothing changes for whoever has the job; from then on the copy can be lost like one that was parked, and
    /// is missed if that one does not end the job. Needs a row that knows of no newer copy, as above.
    case steppedAside(Arrival, due: Timestamp)

    /// Whose record it is.
    package var arrival: Arrival {
        switch self {
        case .finished(let arrival, _, _, _, _, _), .parked(let arrival, _, _, _, _), .callEnded(let arrival, _, _, _),
            .postponed(let arrival, _), .steppedAside(let arrival, _):
            arrival
        }
    }

    /// Whether it allows for a call that went unheard. What says nothing of calls does.
    package var isInDoubt: Bool {
        switch self {
        case .finished(_, _, _, let isAmbiguous, _, _), .parked(_, _, let isAmbiguous, _, _),
            .callEnded(_, _, let isAmbiguous, _):
            isAmbiguous
        case .postponed, .steppedAside: true
        }
    }

    /// That the user has left is true whoever heard it, and whenever. Who only assumes it may be contradicted by now.
    package var isProof: Bool {
        switch self {
        case .finished(_, let result, _, _, _, let isAssumed):
            result.outcome == .left || result.outcome == .alreadyLeft && !isAssumed
        case .parked, .callEnded, .postponed, .steppedAside: false
        }
    }
}

/// Which message of a job the broker has confirmed.
package enum PublishedPart: Sendable {
    case result
    case deadLetter
    case copy(Int)
}
