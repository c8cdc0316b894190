import Clocks
import Jobs
import Ledger

/// What a job has been through, as far as the worker knows by now: the ledger's row, the copy's headers and this
/// delivery together. None of it ever goes back.
struct Progress: Equatable, Sendable {
    var attempts: Int
    var isAmbiguous: Bool
    var malformedAnswers: Int
    var firstSeen: Timestamp
    var firstCallAt: Timestamp?
    /// The number of the newest copy, as the ledger says; nil if it knows none.
    var copy: Int?
    /// When the parked copy is due, as the ledger says.
    var due: Timestamp?
    /// The event that the job was accepted as, as the ledger says: a copy may have lost it.
    var event: EventContext?

    /// A call began, whatever became of it.
    var hasCalled: Bool { firstCallAt != nil || attempts > 0 || isAmbiguous }

    init(_ arrival: Arrival, isAmbiguous: Bool) {
        attempts = arrival.attempts
        self.isAmbiguous = isAmbiguous || arrival.isAmbiguous
        malformedAnswers = 0
        firstSeen = arrival.firstSeen
    }

    init(_ arrival: Arrival, _ open: OpenJob) {
        attempts = max(arrival.attempts, open.attempts)
        isAmbiguous = arrival.isAmbiguous || open.isAmbiguous
        malformedAnswers = open.malformedAnswers
        firstSeen = min(arrival.firstSeen, open.firstSeen)
        firstCallAt = open.firstCallAt
        copy = open.copy
        due = open.due
        event = open.event
    }
}
