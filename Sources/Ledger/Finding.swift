public import Threads

/// What a delivery finds in the ledger: every case there is.
public enum Finding: Equatable, Sendable {
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
    case finished(FinishedJob)
    /// An older generation than the ledger's. Its own bytes, if it ended here.
    case superseded(StoredResult?)
    /// The same job id with another account or share token. The row says nothing of this message.
    case conflict
    /// Another worker has it until then (shared ledgers only).
    case leased(until: Timestamp)
}

/// A job that has no result yet.
public struct OpenJob: Equatable, Sendable {
    public var generation: Int
    /// The number of the newest copy: what a delivery must carry to be worked on.
    public var copy: Int
    public var attempts: Int
    /// A call may have reached the API unanswered. True too while an intent is found open at a look.
    public var isAmbiguous: Bool
    /// Answers that could not be understood; the third ends the job.
    public var malformedAnswers: Int
    public var firstSeen: Timestamp
    /// The first intent of this generation: the age of the job counts from here.
    public var firstCallAt: Timestamp?
    /// When the parked copy is due. Nil while the job is not parked.
    public var due: Timestamp?
    public var copyIsPublished: Bool

    public init(
        generation: Int, copy: Int, attempts: Int, isAmbiguous: Bool, malformedAnswers: Int = 0,
        firstSeen: Timestamp, firstCallAt: Timestamp? = nil, due: Timestamp? = nil, copyIsPublished: Bool = true
    ) {
        self.generation = generation
        self.copy = copy
        self.attempts = attempts
        self.isAmbiguous = isAmbiguous
        self.malformedAnswers = malformedAnswers
        self.firstSeen = firstSeen
        self.firstCallAt = firstCallAt
        self.due = due
        self.copyIsPublished = copyIsPublished
    }
}

/// A job that has its result, and which of its messages the broker is not known to have.
public struct FinishedJob: Equatable, Sendable {
    public var generation: Int
    public var result: StoredResult
    public var resultIsPublished: Bool
    /// True too when the outcome needs no letter.
    public var letterIsPublished: Bool

    public init(generation: Int, result: StoredResult, resultIsPublished: Bool, letterIsPublished: Bool) {
        self.generation = generation
        self.result = result
        self.resultIsPublished = resultIsPublished
        self.letterIsPublished = letterIsPublished
    }
}
