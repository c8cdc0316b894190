package import Clocks
package import Jobs

/// All that a ledger has of one job, as it is carried to another one. Words that only a newer program knows stay as they
/// are: what is moved is not read.
package struct MovedJob: Equatable, Sendable {
    package var jobID: JobID
    /// Nil: the ledger has not met the job, and knows that it is to be cancelled when it comes.
    package var row: LedgerRow?
    package var cancellation: Cancellation?
    /// Of a cancel of a job that the ledger has not met: retention goes by it.
    package var cancelledAt: Timestamp?
    /// One for each generation that ended, oldest first.
    package var results: [MovedResult] = []
    /// Of the job's history, oldest first.
    package var lines: [MovedLine] = []

    package init(jobID: JobID, row: LedgerRow?, cancellation: Cancellation? = nil, cancelledAt: Timestamp? = nil) {
        self.jobID = jobID
        self.row = row
        self.cancellation = cancellation
        self.cancelledAt = cancelledAt
    }

    /// What must be the same in both ledgers. Left out is what each has in its own way: the job's number in a file; the
    /// lease in a database, of which a file has none, and which is another one after the move.
    package var comparable: MovedJob {
        var job = self
        job.row?.number = 0
        job.row?.fence = 0
        job.row?.callUntil = nil
        job.row?.deaths = 0
        // A database has no row of revision 0.
        job.row.map { job.row?.revision = max(1, $0.revision) }
        if let row, !row.isFinished { job.row?.deadLetterIsPublished = false }
        if row != nil { job.cancelledAt = nil }
        return job
    }
}

/// A result, by the words that are stored.
package struct MovedResult: Equatable, Sendable {
    package var generation: Int
    package var messageID: String
    package var outcome: String
    package var reason: String?
    package var body: [UInt8]
    package var correlationID: String?
    package var traceparent: String?
    package var tracestate: String?
    package var completedAt: Timestamp
    package var isPublished: Bool

    package init(
        generation: Int, messageID: String, outcome: String, reason: String?, body: [UInt8], correlationID: String?,
        traceparent: String?, tracestate: String?, completedAt: Timestamp, isPublished: Bool
    ) {
        self.generation = generation
        self.messageID = messageID
        self.outcome = outcome
        self.reason = reason
        self.body = body
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.completedAt = completedAt
        self.isPublished = isPublished
    }
}

/// A line of a job's history.
package struct MovedLine: Equatable, Sendable {
    package var at: Timestamp
    package var generation: Int
    package var kind: String
    package var detail: String

    package init(at: Timestamp, generation: Int, kind: String, detail: String) {
        self.at = at
        self.generation = generation
        self.kind = kind
        self.detail = detail
    }
}
