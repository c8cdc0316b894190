public import Jobs
public import Threads

/// What an operator finds who ends a job for good.
public enum CancelAnswer: Equatable, Sendable {
    /// No open job of that id is known here: whenever a delivery of it comes, it ends without a call.
    case remembered
    /// It is open. Remembered as well, so that it ends also if nobody comes to `finishCancelled`.
    case open(CancelledJob)
    /// It has its result.
    case ended(StoredResult)
}

/// An open job that an operator ends, as it was found.
public struct CancelledJob: Equatable, Sendable {
    public var jobID: JobID
    public var account: AccountID
    public var open: OpenJob
    /// A call of this generation began, whatever became of it.
    public var hasCalled: Bool
    /// Which state of the row this was: `finishCancelled` ends only a row that has not changed since.
    public var revision: Int

    public init(jobID: JobID, account: AccountID, open: OpenJob, hasCalled: Bool, revision: Int) {
        self.jobID = jobID
        self.account = account
        self.open = open
        self.hasCalled = hasCalled
        self.revision = revision
    }

    /// Its result, of what the ledger knows: the members that only the message has are not in it.
    public func result(at now: Timestamp) -> StoredResult {
        let result = JobResult.failed(
            .cancelled, ResultSubject(jobID: jobID, account: account), isAmbiguous: hasCalled,
            detail: Self.detail(hasCalled: hasCalled), attempts: open.attempts, generation: open.generation,
            completedAt: now, duration: now - open.firstSeen)
        return StoredResult(result, of: jobID, at: now)
    }

    /// What the result of a cancelled job says of itself.
    public static func detail(hasCalled: Bool) -> String {
        hasCalled ? "an operator ended it after a call had begun" : "it was cancelled before a call began"
    }
}

extension JobEvent {
    /// The line of a job's story that says who ended it.
    public static func cancelledForGood(_ id: JobID, generation: Int, by who: String, at now: Timestamp) -> JobEvent {
        JobEvent(jobID: id, generation: generation, at: now, kind: "cancelled", detail: "for good, by \(who)")
    }
}
