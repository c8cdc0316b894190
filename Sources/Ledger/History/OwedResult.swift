public import Jobs

/// A stored result and whose it is.
public struct OwedResult: Equatable, Sendable {
    public var jobID: JobID
    public var generation: Int
    public var result: StoredResult

    public init(jobID: JobID, generation: Int, result: StoredResult) {
        self.jobID = jobID
        self.generation = generation
        self.result = result
    }
}
