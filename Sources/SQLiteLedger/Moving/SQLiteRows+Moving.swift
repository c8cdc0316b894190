import CSQLite
import Clocks
import Jobs
import Ledger
import Secrets

/// Whole jobs, as they are read and written where a ledger is moved: by pages in the order of their numbers, each table
/// in one scan.
extension SQLiteRows {
    private static let page = SQL("SELECT \(columns), number FROM jobs WHERE number > ?1 ORDER BY number LIMIT ?2")
    private static let resultColumns = """
        results.generation, message_id, outcome, reason, body, correlation_id, traceparent, tracestate, completed, \
        NOT EXISTS (SELECT 1 FROM owed WHERE owed.job_id = jobs.job_id AND owed.generation = results.generation)
        """
    private static let pageOfResults = SQL(
        """
        SELECT job, \(resultColumns) FROM results CROSS JOIN jobs ON number = job WHERE job BETWEEN ?1 AND ?2
        ORDER BY job, results.generation
        """)
    private static let pageOfLines = SQL(
        "SELECT job, at, generation, kind, detail FROM history WHERE job BETWEEN ?1 AND ?2 ORDER BY job, line")
    private static let pageOfCancels = SQL(
        """
        SELECT job_id, at FROM cancels WHERE job_id > ?1 AND substr(job_id, 1, 1) <> x'21'
        AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.job_id = cancels.job_id) ORDER BY job_id LIMIT ?2
        """)
    private static let cancelTime = SQL("SELECT at FROM cancels WHERE job_id = ?1")

    /// Jobs behind a number, at most `limit`, in the order of their numbers.
    func moved(after number: Int, limit: Int) throws(SQLiteFault) -> [MovedJob] {
        let rows = try connection.query(Self.page, bind: { $0.bind(1, number).bind(2, limit) }, Self.row)
        guard let first = rows.first, let last = rows.last else { return [] }
        return try moved(rows, from: first.number, to: last.number)
    }

    /// Those of these jobs of which the file has anything.
    func moved(_ ids: [JobID]) throws(SQLiteFault) -> [JobID: MovedJob] {
        var found: [JobID: MovedJob] = [:]
        var rows: [LedgerRow] = []
        for id in ids {
            if let row = try load(id) {
                rows.append(row)
            } else if let cancellation = try cancellation(of: id) {
                found[id] = MovedJob(
                    jobID: id, row: nil, cancellation: cancellation, cancelledAt: try timeOfCancel(of: id))
            }
        }
        // Those of a page mostly lie one behind another.
        rows.sort { $0.number < $1.number }
        var start = 0
        for index in rows.indices where index + 1 == rows.count || rows[index + 1].number != rows[index].number + 1 {
            let run = Array(rows[start...index])
            for job in try moved(run, from: run[0].number, to: rows[index].number) { found[job.jobID] = job }
            start = index + 1
        }
        return found
    }

    private func moved(_ rows: [LedgerRow], from first: Int, to last: Int) throws(SQLiteFault) -> [MovedJob] {
        var jobs: [MovedJob] = []
        var places: [Int: Int] = [:]
        for row in rows {
            places[row.number] = jobs.count
            jobs.append(MovedJob(jobID: row.jobID, row: row, cancellation: try cancellation(of: row.jobID)))
        }
        try connection.query(Self.pageOfResults, bind: { $0.bind(1, first).bind(2, last) }) {
            row throws(SQLiteFault) in (row.int(0), Self.result(row))
        }.forEach { number, result in
            if let place = places[number] { jobs[place].results.append(result) }
        }
        try connection.query(Self.pageOfLines, bind: { $0.bind(1, first).bind(2, last) }) {
            row throws(SQLiteFault) in
            let line = MovedLine(
                at: row.time(1), generation: row.int(2), kind: Self.plainText(row, 3) ?? "",
                detail: Self.plainText(row, 4) ?? "")
            return (row.int(0), line)
        }.forEach { number, line in
            if let place = places[number] { jobs[place].lines.append(line) }
        }
        return jobs
    }

    /// Cancels of jobs that the ledger has not met, behind an id, in the order of the ids.
    func movedCancels(after id: [UInt8], limit: Int) throws(SQLiteFault) -> [MovedJob] {
        let found = try connection.query(Self.pageOfCancels, bind: { $0.bind(1, id).bind(2, limit) }) {
            row throws(SQLiteFault) in (JobID(utf8: row.blob(0)), row.time(1))
        }
        var jobs: [MovedJob] = []
        for (id, at) in found {
            jobs.append(MovedJob(jobID: id, row: nil, cancellation: try cancellation(of: id), cancelledAt: at))
        }
        return jobs
    }

    private func timeOfCancel(of id: JobID) throws(SQLiteFault) -> Timestamp? {
        try connection.query(Self.cancelTime, bind: { $0.bind(1, id.utf8) }) { row throws(SQLiteFault) in row.time(0) }
            .first
    }

    private static func result(_ row: SQLiteStatement) -> MovedResult {
        MovedResult(
            generation: row.int(1), messageID: row.text(2) ?? "", outcome: plainText(row, 3) ?? "",
            reason: plainText(row, 4),
            body: row.blob(5), correlationID: row.text(6), traceparent: row.text(7), tracestate: row.text(8),
            completedAt: row.time(9), isPublished: row.bool(10))
    }

    /// What is a text wherever it goes, and a text of PostgreSQL has no zero byte.
    private static func plainText(_ row: SQLiteStatement, _ column: Int32) -> String? {
        row.text(column).map { $0.contains("\0") ? $0.replacing("\0", with: "\u{FFFD}") : $0 }
    }

    // MARK: Writing

    private static let addingJob = SQL(
        """
        INSERT INTO jobs (number, \(columns))
        VALUES (?19, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
        """)
    private static let addingResult = SQL(
        """
        INSERT INTO results (job, generation, message_id, outcome, reason, body, correlation_id, traceparent,
        tracestate, completed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        """)
    private static let addingUnpublished = SQL("INSERT INTO owed (job_id, generation) VALUES (?1, ?2)")
    private static let addingLine = SQL(
        "INSERT INTO history (job, line, at, generation, kind, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")

    /// Adds a job that is not there, under a number that no job has. A cancel alone has none.
    func add(_ job: MovedJob, number: Int) throws(SQLiteFault) {
        if let cancellation = job.cancellation {
            let at = job.cancelledAt ?? job.row?.changedAt ?? Timestamp(milliseconds: 0)
            try cancel(job.jobID, cancellation, at: at)
        }
        guard let row = job.row else { return }
        let addition = try connection.statement(Self.addingJob)
        addition.bind(1, row.jobID.utf8).bind(2, row.account.utf8).bind(3, row.tokenHash.bytes)
            .bind(4, row.generation).bind(5, row.copy).bind(6, row.attempts).bind(7, row.isAmbiguous)
            .bind(8, row.hasOpenIntent).bind(9, row.malformedAnswers).bind(10, row.firstSeen)
            .bind(11, row.firstCallAt).bind(12, row.due).bind(13, row.copyIsPublished).bind(14, row.isFinished)
            .bind(15, row.deadLetterIsPublished).bind(16, row.changedAt).bind(17, row.revision).bind(19, number)
        bind(row.event, to: addition)
        try addition.run()
        for result in job.results {
            let addition = try connection.statement(Self.addingResult)
            addition.bind(1, number).bind(2, result.generation).bind(3, result.messageID).bind(4, result.outcome)
                .bind(5, result.reason).bind(6, result.body).bind(7, result.correlationID)
                .bind(8, result.traceparent).bind(9, result.tracestate).bind(10, result.completedAt)
            try addition.run()
            guard !result.isPublished else { continue }
            let unpublished = try connection.statement(Self.addingUnpublished)
            unpublished.bind(1, job.jobID.utf8).bind(2, result.generation)
            try unpublished.run()
        }
        for (index, line) in job.lines.enumerated() {
            let addition = try connection.statement(Self.addingLine)
            addition.bind(1, number).bind(2, index + 1).bind(3, line.at).bind(4, line.generation).bind(5, line.kind)
                .bind(6, line.detail)
            try addition.run()
        }
    }

    // MARK: Beside the jobs

    func movedBeside() throws(SQLiteFault) -> MovedBeside {
        var beside = MovedBeside()
        beside.createdAt = try meta(.created)
        let days = try connection.query("SELECT day, calls, probes, at FROM days") { row throws(SQLiteFault) in
            (
                Self.plainText(row, 0) ?? "",
                MovedBeside.Day(calls: row.int(1), albumQueries: row.int(2), at: row.time(3))
            )
        }
        for (name, day) in days { beside.add(day, of: name) }
        let holds = try connection.query("SELECT cause, since, until, detail FROM holds") { row throws(SQLiteFault) in
            (
                MovedBeside.Hold(cause: Self.plainText(row, 0) ?? "", since: row.time(1)),
                MovedBeside.HoldEnd(until: row.timeIfAny(2), detail: Self.plainText(row, 3) ?? "")
            )
        }
        for (hold, end) in holds { beside.add(hold, end) }
        return beside
    }

    func add(_ beside: MovedBeside) throws(SQLiteFault) {
        for (name, day) in beside.days {
            let addition = try connection.statement(
                "INSERT OR REPLACE INTO days (day, calls, probes, at) VALUES (?1, ?2, ?3, ?4)")
            addition.bind(1, name).bind(2, day.calls).bind(3, day.albumQueries).bind(4, day.at)
            try addition.run()
        }
        for (hold, end) in beside.holds {
            let addition = try connection.statement(
                "INSERT OR REPLACE INTO holds (cause, since, until, detail) VALUES (?1, ?2, ?3, ?4)")
            addition.bind(1, hold.cause).bind(2, hold.since).bind(3, end.until).bind(4, end.detail)
            try addition.run()
        }
        if let created = beside.createdAt { try setMeta(.created, to: created) }
    }

    /// Jobs with the cancels of those that the ledger has not met; results and lines of histories.
    func movedCounts() throws(SQLiteFault) -> MoveCounts {
        func count(_ what: String) throws(SQLiteFault) -> Int {
            Int(try connection.integer("SELECT count(*) FROM \(what)"))
        }
        return MoveCounts(
            jobs: try count("jobs") + countMovedCancels(), results: try count("results"), lines: try count("history"))
    }

    /// How many pages' worth there is, without counting what the file keeps the number of.
    func movedSize() throws(SQLiteFault) -> Int {
        Int(try connection.integer("SELECT entries FROM tally")) + (try countMovedCancels())
    }

    private func countMovedCancels() throws(SQLiteFault) -> Int {
        Int(
            try connection.integer(
                """
                SELECT count(*) FROM cancels WHERE substr(job_id, 1, 1) <> x'21'
                AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.job_id = cancels.job_id)
                """))
    }
}
