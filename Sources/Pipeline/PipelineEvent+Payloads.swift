package import Jobs
import Photos

extension PipelineEvent {
    /// A job has its result, confirmed by the broker; or a message that is no job was rejected.
    package struct JobEnded: Sendable {
        /// Nil where a rejected message does not tell.
        package var jobID: JobID?
        /// Nil too for a result that was published after an interruption: the ledger keeps it without.
        package var account: AccountID?
        package var outcome: Outcome
        package var reason: Reason?
        package var attempts: Int
        /// From first seen to completed; zero where that is not known any more.
        package var timeToResult: Duration
        package var detail: String?
        /// See `TraceContext.traceID`.
        package var traceID: String?
    }

    package struct Call: Sendable {
        package enum Request: String, Sendable {
            case leave
            /// The album query.
            case album
        }

        package var request: Request
        package var jobID: JobID
        package var account: AccountID
        package var generation: Int
        /// The number of the row of the verdict table, as docs/verdicts.md has it.
        package var row: Int
        package var verdict: String
        package var httpStatus: Int?
        package var duration: Duration
        package var detail: String

        /// False: the send window was over first, and nothing was asked of the API.
        package var isSent: Bool { verdict != VerdictAction.withdraw.word }
    }

    /// A numbered copy of a job waits in a retry queue.
    package struct JobParked: Sendable {
        package var jobID: JobID?
        package var generation: Int
        /// That of the retry queue; nil: the copy is on `due`.
        package var delay: Duration?
        /// Until the copy is due.
        package var wait: Duration
        /// For people.
        package var cause: String
        /// A call or a token failed; else its turn had not come, or an interruption is made good.
        package var isFault = false
        /// See `TraceContext.traceID`.
        package var traceID: String?
    }

    /// The copy that there is went back to the broker and waits in a retry queue.
    package struct JobDeferred: Sendable {
        /// Nil for a message that is no job.
        package var jobID: JobID?
        package var generation: Int
        /// That of the retry queue; nil: the copy is on `due`.
        package var delay: Duration?
        /// Until the copy is expected again.
        package var wait: Duration
        package var cause: StepAside
        /// How many times in a row by now.
        package var moves: Int
    }

    /// A cancel message or an operator wants the job to end without a call.
    package struct JobCancelled: Sendable {
        package var jobID: JobID
        /// No call had begun, and the job had no result.
        package var isInTime: Bool
    }

    package struct HoldsChanged: Sendable {
        /// Those that stand.
        package var holds: [Hold]
        /// Those that were just lifted.
        package var lifted: [Hold]
    }

    /// What the account waited for is over, or may be: another one is called.
    package struct AccountResumed: Sendable {
        package var account: AccountID
        package var cause: String
    }

    /// The broker did not take a message, which is published again.
    package struct PublishRefused: Sendable {
        package var exchange: String
        package var routingKey: String
        package var detail: String
    }

    package struct Fenced: Sendable {
        package var jobID: JobID
        package var generation: Int
    }

    /// The ledger did not answer, or did not commit.
    package struct LedgerRefused: Sendable {
        /// Nil where it was asked about no job.
        package var jobID: JobID?
        package var detail: String
    }
}
