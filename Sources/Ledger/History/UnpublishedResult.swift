package import Clocks
package import Jobs

/// A stored result and whose it is.
package struct UnpublishedResult: Equatable, Sendable {
    package var jobID: JobID
    package var generation: Int
    package var result: StoredResult

    package init(jobID: JobID, generation: Int, result: StoredResult) {
        self.jobID = jobID
        self.generation = generation
        self.result = result
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
