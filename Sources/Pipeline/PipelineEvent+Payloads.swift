public import Jobs

extension PipelineEvent {
    /// A job has its result, confirmed by the broker; or a message that is no job was rejected.
    public struct JobEnded: Sendable {
        /// Nil where a rejected message does not tell.
        public var jobID: JobID?
        /// Nil too for a result that was published after an interruption: the ledger keeps it without.
        public var account: AccountID?
        public var outcome: Outcome
        public var reason: Reason?
        public var attempts: Int
        /// From first seen to completed; zero where that is not known any more.
        public var timeToResult: Duration
        public var detail: String?
        /// See `TraceContext.traceID`.
        public var traceID: String?
    }

    public struct Call: Sendable {
        public enum Request: String, Sendable {
            case leave
            /// The probe.
            case album
        }

        public var request: Request
        public var jobID: JobID
        public var account: AccountID
        public var generation: Int
        /// Of the table of verdicts.
        public var row: Int
        public var verdict: String
        public var httpStatus: Int?
        public var duration: Duration
        public var detail: String
    }

    /// A numbered copy of a job waits in a retry queue.
    public struct JobParked: Sendable {
        public var jobID: JobID?
        public var generation: Int
        /// That of the retry queue; nil: the copy is on `due`.
        public var delay: Duration?
        /// Until the copy is due.
        public var wait: Duration
        /// For people.
        public var cause: String
    }

    /// The copy that there is went back to the broker and waits in a retry queue.
    public struct JobDeferred: Sendable {
        /// Nil for a message that is no job.
        public var jobID: JobID?
        public var generation: Int
        /// That of the retry queue; nil: the copy is on `due`.
        public var delay: Duration?
        /// Until the copy is expected again.
        public var wait: Duration
        public var cause: StepAside
        /// How many times in a row by now.
        public var moves: Int
    }

    /// A cancel message or an operator wants the job to end without a call.
    public struct JobCancelled: Sendable {
        public var jobID: JobID
        /// No call had begun, and the job had no result.
        public var isInTime: Bool
    }

    public struct HoldsChanged: Sendable {
        /// Those that stand.
        public var holds: [Hold]
        /// Those that were just lifted.
        public var lifted: [Hold]
    }

    /// What the account waited for is over, or may be: another one is called.
    public struct AccountResumed: Sendable {
        public var account: AccountID
        public var cause: String
    }

    /// The broker did not take a message, which is published again.
    public struct PublishRefused: Sendable {
        public var exchange: String
        public var routingKey: String
        public var detail: String
    }

    /// The ledger did not answer, or did not commit.
    public struct LedgerRefused: Sendable {
        /// Nil where it was asked about no job.
        public var jobID: JobID?
        public var detail: String
    }
}
