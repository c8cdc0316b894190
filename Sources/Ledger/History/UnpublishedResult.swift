package import Clocks
package import Jobs

/// A stored result and whose it is.
package struct UnpublishedResult: Equatable, Sendable {
    package var jobID: JobID
    package var generation: Int
    package var result: StoredResult
    /// A member of the ledger that has ended had recorded it; this one may leave it to another one.
    package var isLeftByAnother: Bool

    package init(jobID: JobID, generation: Int, result: StoredResult, isLeftByAnother: Bool = false) {
        self.jobID = jobID
        self.generation = generation
        self.result = result
        self.isLeftByAnother = isLeftByAnother
    }
}

/// A place in the stored results in the order of their completion: the last one of a page.
package struct ResultCursor: Equatable, Sendable {
    package var completedAt: Timestamp
    package var jobID: JobID
    package var generation: Int

    package init(completedAt: Timestamp, jobID: JobID, generation: Int) {
        self.completedAt = completedAt
        self.jobID = jobID
        self.generation = generation
    }
}

extension UnpublishedResult {
    package var cursor: ResultCursor {
        ResultCursor(completedAt: result.completedAt, jobID: jobID, generation: generation)
    }
}
