public import Threads

/// What became of a job in hand. Each closes the intent; the row never forgets an attempt or an ambiguity.
public enum Record: Sendable {
    /// The job has its result. With `needsLetter`, a letter is owed as well. Makes the row if there is none.
    case finished(Arrival, StoredResult, attempts: Int, isAmbiguous: Bool, needsLetter: Bool)
    /// A copy with the number `arrival.copy + 1` (or one above the row's) is about to be published, to come at `due`.
    /// Makes the row if there is none.
    case parked(Arrival, attempts: Int, isAmbiguous: Bool, malformedAnswers: Int, due: Timestamp)
    /// The call ended, the job stays in hand. Needs a row; nothing happens without one.
    case kept(Arrival, attempts: Int, isAmbiguous: Bool, malformedAnswers: Int)
    /// The copy that was parked has arrived before its time or its turn, and goes back to the broker as it is, to come at
    /// `due`. Nothing happens unless the row still waits for that very copy.
    case postponed(Arrival, due: Timestamp)

    /// Whose record it is.
    public var arrival: Arrival {
        switch self {
        case .finished(let arrival, _, _, _, _), .parked(let arrival, _, _, _, _), .kept(let arrival, _, _, _),
            .postponed(let arrival, _):
            arrival
        }
    }
}
