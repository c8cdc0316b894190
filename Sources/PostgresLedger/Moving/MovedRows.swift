import Clocks
import Jobs
import Ledger
import Secrets

/// Whole jobs, as they are read and written where a ledger is moved.
enum MovedRows {
    // MARK: Reading

    private static func select(_ condition: String, limit: String = "") -> [String] {
        [
            "SELECT \(JobLoading.columns) FROM leave_album.jobs j WHERE \(condition) ORDER BY j.job_id \(limit)",
            """
            SELECT j.job_id, generation, message_id, outcome, reason, body, correlation_id, traceparent, tracestate,
            completed, NOT (\(OutboxRows.isUnpublished("j"))) FROM leave_album.results j WHERE \(condition)
            ORDER BY j.job_id, generation
            """,
            """
            SELECT j.job_id, at, generation, kind, detail FROM leave_album.history j WHERE \(condition)
            ORDER BY j.job_id, line
            """,
        ]
    }

    private static let page = select("j.job_id > $1", limit: "LIMIT $2")
    private static let range = select("j.job_id > $1 AND j.job_id <= $2")
    private static let named = select("j.job_id = ANY ($1)")

    /// The jobs behind an id, in the order of their ids.
    static func load(
        after id: [UInt8], limit: Int, _ transfer: inout PostgresTransfer
    ) throws(PostgresError) -> [MovedJob] {
        let jobs = try transfer.run(page[0], [.value(id), .value(Int64(limit))])
        guard jobs.count > 0 else { return [] }
        let last: [UInt8]
        do throws(PostgresDecodingError) {
            last = try jobs.value(jobs.count - 1, 0)
        } catch {
            throw transfer.failure(.fault, "\(error)")
        }
        let ends: [PostgresParameter] = [.value(id), .value(last)]
        return try read(jobs, [range[1], range[2]], ends, &transfer)
    }

    static func load(_ ids: [JobID], _ transfer: inout PostgresTransfer) throws(PostgresError) -> [MovedJob] {
        let names: [[UInt8]?] = ids.map { $0.utf8 }
        let parameters: [PostgresParameter] = [.array(names)]
        return try read(try transfer.run(named[0], parameters), [named[1], named[2]], parameters, &transfer)
    }

    private static func read(
        _ jobs: PostgresRows, _ besides: [String], _ parameters: [PostgresParameter],
        _ transfer: inout PostgresTransfer
    ) throws(PostgresError) -> [MovedJob] {
        let results = try transfer.run(besides[0], parameters)
        let lines = try transfer.run(besides[1], parameters)
        do throws(PostgresDecodingError) {
            return try decode(jobs, results, lines)
        } catch {
            throw transfer.failure(.fault, "\(error)")
        }
    }

    private static func decode(
        _ rows: PostgresRows, _ results: PostgresRows, _ lines: PostgresRows
    ) throws(PostgresDecodingError) -> [MovedJob] {
        var jobs: [MovedJob] = []
        jobs.reserveCapacity(rows.count)
        for index in 0..<rows.count {
            let id = JobID(utf8: try rows.value(index, 0))
            let row = try LedgerRow(rows, index, id)
            jobs.append(
                MovedJob(
                    jobID: id, row: row, cancellation: Cancellation(stored: try rows.value(index, 12)),
                    cancelledAt: row == nil ? try rows.time(index, 16) : nil))
        }
        // All three are in the order of the ids' bytes.
        var place = 0
        for index in 0..<results.count {
            try find(try results.value(index, 0), in: jobs, from: &place)
            jobs[place].results.append(try result(results, index))
        }
        place = 0
        for index in 0..<lines.count {
            try find(try lines.value(index, 0), in: jobs, from: &place)
            jobs[place].lines.append(
                MovedLine(
                    at: try lines.time(index, 1), generation: try lines.int(index, 2), kind: try lines.value(index, 3),
                    detail: try lines.value(index, 4)))
        }
        return jobs
    }

    /// What belongs to no job belongs to nobody: no transaction leaves it behind.
    private static func find(
        _ id: [UInt8], in jobs: [MovedJob], from place: inout Int
    ) throws(PostgresDecodingError) {
        while place < jobs.count, jobs[place].jobID.utf8 != id { place += 1 }
        guard place < jobs.count else {
            throw PostgresDecodingError(
                row: 0, column: 0, problem: "is of a job that is not there: run `ledger verify`")
        }
    }

    private static func result(_ rows: PostgresRows, _ row: Int) throws(PostgresDecodingError) -> MovedResult {
        func text(_ column: Int) throws(PostgresDecodingError) -> String? {
            try rows.valueIfAny(row, column, as: [UInt8].self).map { String(decoding: $0, as: UTF8.self) }
        }
        return MovedResult(
            generation: try rows.int(row, 1), messageID: try text(2) ?? "", outcome: try rows.value(row, 3),
            reason: try rows.valueIfAny(row, 4), body: try rows.value(row, 5), correlationID: try text(6),
            traceparent: try text(7), tracestate: try text(8), completedAt: try rows.time(row, 9),
            isPublished: try rows.value(row, 10))
    }

    // MARK: Writing

    private static let jobTable = """
        jobs (job_id, account, token_sha256, generation, copy, attempts, malformed, ambiguous, intent, copy_published, \
        finished, dead_letter_unpublished, cancelled, first_seen, first_call, due, changed, revision, fence, \
        call_until, deaths, event)
        """
    private static let resultTable = """
        results (job_id, generation, message_id, outcome, reason, body, correlation_id, traceparent, tracestate, \
        completed, owner, published_at)
        """
    private static let lineTable = "history (job_id, at, generation, kind, detail)"

    /// - Parameter callUntil: of a call that was begun and has not ended: until when it may be on its way.
    static func add(
        _ jobs: [MovedJob], callUntil: Timestamp, _ transfer: inout PostgresTransfer
    ) throws(PostgresError) {
        var (rows, results, lines) = (CopyRows(), CopyRows(), CopyRows())
        for job in jobs {
            add(job, callUntil: callUntil, to: &rows)
            for result in job.results { add(result, of: job.jobID, to: &results) }
            for line in job.lines {
                lines.begin(columns: 5)
                lines.add(job.jobID.utf8)
                lines.add(PostgresTime(line.at))
                lines.add(Int32(clamping: line.generation))
                lines.add(line.kind)
                lines.add(line.detail)
            }
        }
        try transfer.copy(rows, into: jobTable)
        try transfer.copy(results, into: resultTable)
        try transfer.copy(lines, into: lineTable)
    }

    private static func add(_ job: MovedJob, callUntil: Timestamp, to rows: inout CopyRows) {
        let row = job.row
        // Of a cancel alone: whatever says nothing.
        let at = job.cancelledAt ?? Timestamp(milliseconds: 0)
        rows.begin(columns: 22)
        rows.add(job.jobID.utf8)
        rows.add(row?.account.utf8)
        rows.add(row?.tokenHash.bytes)
        rows.add(Int32(clamping: row?.generation ?? 0))
        rows.add(Int32(clamping: row?.copy ?? 0))
        rows.add(Int32(clamping: row?.attempts ?? 0))
        rows.add(Int32(clamping: row?.malformedAnswers ?? 0))
        rows.add(row?.isAmbiguous ?? false)
        rows.add(row?.hasOpenIntent ?? false)
        rows.add(row?.copyIsPublished ?? true)
        rows.add(row?.isFinished ?? false)
        let owesDeadLetter = row.map { $0.isFinished && !$0.deadLetterIsPublished } ?? false
        rows.add(owesDeadLetter ? row.map { PostgresTime($0.changedAt) } : nil)
        rows.add(job.cancellation?.stored ?? Int16(0))
        rows.add(PostgresTime(row?.firstSeen ?? at))
        rows.add(row?.firstCallAt.map { PostgresTime($0) })
        rows.add(row?.due.map { PostgresTime($0) })
        rows.add(PostgresTime(row?.changedAt ?? at))
        rows.add(Int32(clamping: max(1, row?.revision ?? 1)))
        // Nobody's: no member has that epoch.
        rows.add(Int64(0))
        rows.add(row?.hasOpenIntent == true ? PostgresTime(callUntil) : nil)
        rows.add(Int32(0))
        rows.add(row?.event?.encoded())
    }

    private static func add(_ result: MovedResult, of id: JobID, to rows: inout CopyRows) {
        rows.begin(columns: 12)
        rows.add(id.utf8)
        rows.add(Int32(clamping: result.generation))
        rows.add(Array(result.messageID.utf8))
        rows.add(result.outcome)
        rows.add(result.reason)
        rows.add(result.body)
        rows.add(result.correlationID.map { Array($0.utf8) })
        rows.add(result.traceparent.map { Array($0.utf8) })
        rows.add(result.tracestate.map { Array($0.utf8) })
        rows.add(PostgresTime(result.completedAt))
        // Nobody's: whoever has the duty publishes what is left of it.
        rows.add(Int32(0))
        rows.add(result.isPublished ? PostgresTime(result.completedAt) : nil)
    }
}
