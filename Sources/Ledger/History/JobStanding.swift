public import Jobs
public import Threads

/// Where a job stands, in few words: for lists of a hundred thousand.
public struct JobStanding: Equatable, Sendable {
    public enum State: Equatable, Sendable {
        /// The ledger has nothing of it.
        case unknown
        /// It will end without a call when it comes.
        case cancelled
        /// Neither parked nor calling: in the worker's hands, or in a queue.
        case waiting
        case calling
        case parked(until: Timestamp)
        /// The result of its newest generation.
        case ended(outcome: Outcome, reason: Reason?, body: [UInt8])
    }

    public var jobID: JobID
    public var generation: Int
    public var state: State
}

extension SQLiteRows {
    func standing(of id: JobID) throws(SQLiteFault) -> JobStanding {
        guard let row = try load(id) else {
            return JobStanding(jobID: id, generation: 0, state: try cancellation(of: id) == nil ? .unknown : .cancelled)
        }
        let cancellation = try cancellation(of: id)
        let state: JobStanding.State
        if row.isFinished, let result = try loadResult(of: row, generation: row.generation)?.result {
            state = .ended(outcome: result.outcome, reason: result.reason, body: result.body)
        } else if cancellation == .always || row.hasNeverCalled && cancellation == .beforeCall {
            state = .cancelled
        } else if row.hasOpenIntent {
            state = .calling
        } else {
            state = row.due.map { .parked(until: $0) } ?? .waiting
        }
        return JobStanding(jobID: id, generation: row.generation, state: state)
    }
}
