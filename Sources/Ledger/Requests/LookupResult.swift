package import Clocks

/// What a delivery finds in the ledger: every case there is.
package enum LookupResult: Equatable, Sendable {
    /// No row of this generation: never called under it. `predecessor` is an older generation that is still open; the
    /// claim closes it. An ambiguous predecessor, open or finished, makes the new generation ambiguous.
    case fresh(isAmbiguous: Bool, predecessor: OpenJob?)
    /// This copy is the one to work on.
    case resumed(OpenJob)
    /// A newer copy waits in a retry queue, and is not late: this one is done for.
    case parked(OpenJob)
    /// A newer copy was decided but perhaps never published: publish it again from this delivery.
    case unparked(OpenJob)
    /// A newer copy should have arrived two minutes ago: this delivery takes its place.
    case overdue(OpenJob)
    /// Somebody may be calling for the job, or a call that went unheard may still arrive: nothing may be decided of it
    /// until then, and nothing is written.
    case leased(until: Timestamp)
    /// It was cancelled before a call of it began, or for good: it ends without another. Nil: nothing else is known of
    /// it.
    case cancelled(OpenJob?)
    case finished(FinishedJob)
    /// An older generation than the ledger's. Its own bytes, if it ended here.
    case superseded(StoredResult?)
    /// The same job id with another account, share token or source of events. The row says nothing of this message.
    case conflict
}

/// A job that has its result, and which of its messages the broker is not known to have.
package struct FinishedJob: Equatable, Sendable {
    package var generation: Int
    package var result: StoredResult
    package var resultIsPublished: Bool
    /// True too when the outcome needs no dead letter.
    package var deadLetterIsPublished: Bool

    package init(generation: Int, result: StoredResult, resultIsPublished: Bool, deadLetterIsPublished: Bool) {
        self.generation = generation
        self.result = result
        self.resultIsPublished = resultIsPublished
        self.deadLetterIsPublished = deadLetterIsPublished
    }
}
