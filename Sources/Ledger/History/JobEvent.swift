public import Jobs
public import Threads

/// One line of a job's story beside its row: an answer that did not end it, a parking, a hold.
public struct JobEvent: Equatable, Sendable {
    public var jobID: JobID
    public var generation: Int
    public var at: Timestamp
    /// One word: `called`, `parked`, `held`.
    public var kind: String
    /// For people; no tokens.
    public var detail: String

    public init(jobID: JobID, generation: Int, at: Timestamp, kind: String, detail: String) {
        self.jobID = jobID
        self.generation = generation
        self.at = at
        self.kind = kind
        self.detail = detail
    }
}
