import Clocks
import Jobs
import Ledger

extension SQLiteRows {
    func status(of id: JobID) throws(SQLiteFault) -> JobStatus {
        let row = try load(id)
        var result: StoredResult?
        if let row, row.isFinished { result = try loadResult(of: row, generation: row.generation)?.result }
        return JobStatus(jobID: id, row: row, cancellation: try cancellation(of: id), result: result)
    }
}
