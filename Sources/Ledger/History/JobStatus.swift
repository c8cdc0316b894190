package import Clocks
import Concurrency
package import Jobs

/// Where a job stands, in few words: for lists of a hundred thousand.
package struct JobStatus: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// The ledger has nothing of it.
        case unknown
        /// It will end without a call when it comes.
        case cancelled
        /// Neither parked nor calling: in flight, or in a queue.
        case waiting
        case calling
        case parked(until: Timestamp)
        /// The result of its newest generation.
        case ended(outcome: Outcome, reason: Reason?, body: [UInt8])
    }

    package var jobID: JobID
    package var generation: Int
    package var state: State

    package init(jobID: JobID, generation: Int, state: State) {
        self.jobID = jobID
        self.generation = generation
        self.state = state
    }
}

extension JobStatus {
    /// Of what a ledger has of the job. `result`: of the row's generation.
    package init(jobID: JobID, row: LedgerRow?, cancellation: Cancellation?, result: StoredResult?) {
        guard let row else {
            self.init(jobID: jobID, generation: 0, state: cancellation == nil ? .unknown : .cancelled)
            return
        }
        let state: State
        if row.isFinished, let result {
            state = .ended(outcome: result.outcome, reason: result.reason, body: result.body)
        } else if cancellation == .always || row.hasNeverCalled && cancellation == .beforeCall {
            state = .cancelled
        } else if row.hasOpenIntent {
            state = .calling
        } else {
            state = row.due.map { .parked(until: $0) } ?? .waiting
        }
        self.init(jobID: jobID, generation: row.generation, state: state)
    }
}
