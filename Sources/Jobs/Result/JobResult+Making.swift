package import Clocks

extension JobResult {
    /// The user has left, or had left already. `duration` is from first seen to completed.
    package static func succeeded(
        _ subject: ResultSubject, already: Bool = false, detail: String? = nil, attempts: Int, generation: Int,
        httpStatus: Int? = nil, apiStatus: String? = nil, completedAt: Timestamp, duration: Duration
    ) -> JobResult {
        JobResult(
            jobID: subject.jobID, account: subject.account, outcome: already ? .alreadyLeft : .left,
            // Either way the user is not in the album, and that is what the effect is about.
            effect: .left, detail: detail, attempts: attempts, generation: generation, httpStatus: httpStatus,
            apiStatus: apiStatus, requestedAt: subject.requestedAt, completedAt: completedAt.rfc3339,
            durationMs: max(0, duration.milliseconds), metadata: subject.metadata)
    }

    /// The job ends without success; the reason says what is known of the world and who can do something.
    ///
    /// `isAmbiguous`: a call of this job may have reached the API unanswered. `probed`: the word of a probe, which goes
    /// before what the reason says.
    package static func failed(
        _ reason: Reason, _ subject: ResultSubject, isAmbiguous: Bool, probed: Effect? = nil, detail: String? = nil,
        attempts: Int, generation: Int, httpStatus: Int? = nil, apiStatus: String? = nil, completedAt: Timestamp,
        duration: Duration
    ) -> JobResult {
        JobResult(
            jobID: subject.jobID, account: subject.account, outcome: reason.outcome,
            effect: probed ?? reason.effect(isAmbiguous: isAmbiguous), reason: reason, next: reason.next,
            detail: detail, attempts: attempts, generation: generation, httpStatus: httpStatus, apiStatus: apiStatus,
            requestedAt: subject.requestedAt, completedAt: completedAt.rfc3339,
            durationMs: max(0, duration.milliseconds), metadata: subject.metadata)
    }

    /// The message never became a job. The result says nothing of any other job with its id, and is the same each time
    /// that the message comes.
    package static func rejected(_ rejection: Rejection) -> JobResult {
        JobResult(
            jobID: rejection.jobID, account: rejection.account, outcome: rejection.reason.outcome,
            effect: rejection.reason.effect(isAmbiguous: false), reason: rejection.reason, next: rejection.reason.next,
            detail: rejection.detail, attempts: 0, generation: 0, completedAt: nil, durationMs: 0)
    }
}

/// Whom a result is about, and what it echoes of the job. Where only the ledger's row is left of a job, the echo is
/// empty.
package struct ResultSubject: Equatable, Sendable {
    package var jobID: JobID
    package var account: AccountID?
    package var requestedAt: String?
    package var metadata: [Job.Metadatum]

    package init(
        jobID: JobID, account: AccountID?, requestedAt: String? = nil, metadata: [Job.Metadatum] = []
    ) {
        self.jobID = jobID
        self.account = account
        self.requestedAt = requestedAt
        self.metadata = metadata
    }

    package init(_ job: Job) {
        self.init(jobID: job.id, account: job.account, requestedAt: job.requestedAt, metadata: job.metadata)
    }
}
