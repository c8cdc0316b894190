package import Clocks
package import Jobs

/// One line of a job's history beside its row: an answer that did not end it, a parking, a hold.
package struct JobEvent: Equatable, Sendable {
    package var jobID: JobID
    package var generation: Int
    package var at: Timestamp
    /// One word: `called`, `parked`, `held`.
    package var kind: String
    /// For people; no tokens.
    package var detail: String

    package init(jobID: JobID, generation: Int, at: Timestamp, kind: String, detail: String) {
        self.jobID = jobID
        self.generation = generation
        self.at = at
        self.kind = kind
        self.detail = detail
    }
}
