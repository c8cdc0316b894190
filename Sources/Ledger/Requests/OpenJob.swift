package import Clocks
package import Jobs

/// A job that has no result yet.
package struct OpenJob: Equatable, Sendable {
    package var generation: Int
    /// The number of the newest copy: what a delivery must carry to be worked on.
    package var copy: Int
    package var attempts: Int
    /// A call may have reached the API unanswered. True too while an intent is found open at a look.
    package var isAmbiguous: Bool
    /// Answers that could not be understood; the third ends the job.
    package var malformedAnswers: Int
    package var firstSeen: Timestamp
    /// The first intent of this generation: the age of the job counts from here.
    package var firstCallAt: Timestamp?
    /// When the parked copy is due. Nil while the job is not parked.
    package var due: Timestamp?
    package var copyIsPublished: Bool
    /// The event as which the job came.
    package var event: EventContext?

    /// A call of this generation began, whatever became of it.
    package var hasCalled: Bool { firstCallAt != nil || attempts > 0 || isAmbiguous }

    package init(
        generation: Int, copy: Int, attempts: Int, isAmbiguous: Bool, malformedAnswers: Int = 0,
        firstSeen: Timestamp, firstCallAt: Timestamp? = nil, due: Timestamp? = nil, copyIsPublished: Bool = true,
        event: EventContext? = nil
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
        self.event = event
    }
}
