public import Jobs
public import Threads

/// A place in the stored results in the order of their completion: the last one of a page.
public struct ResultCursor: Equatable, Sendable {
    public var completedAt: Timestamp
    public var jobID: JobID
    public var generation: Int

    public init(completedAt: Timestamp, jobID: JobID, generation: Int) {
        self.completedAt = completedAt
        self.jobID = jobID
        self.generation = generation
    }
}

extension OwedResult {
    public var cursor: ResultCursor {
        ResultCursor(completedAt: result.completedAt, jobID: jobID, generation: generation)
    }
}
