import Clocks
import Jobs
import Ledger

extension SQLiteRows {
    func status(of id: JobID) throws(SQLiteFault) -> JobStatus {
        guard let row = try load(id) else {
            return JobStatus(jobID: id, generation: 0, state: try cancellation(of: id) == nil ? .unknown : .cancelled)
        }
        let cancellation = try cancellation(of: id)
        let state: JobStatus.State
        if row.isFinished, let result = try loadResult(of: row, generation: row.generation)?.result {
            state = .ended(outcome: result.outcome, reason: result.reason, body: result.body)
        } else if cancellation == .always || row.hasNeverCalled && cancellation == .beforeCall {
            state = .cancelled
        } else if row.hasOpenIntent {
            state = .calling
        } else {
            state = row.due.map { .parked(until: $0) } ?? .waiting
        }
        return JobStatus(jobID: id, generation: row.generation, state: state)
    }
}
