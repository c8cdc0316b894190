import Clocks
import Jobs
import Ledger
import Secrets

/// Reading of jobs, of which a batch cannot guess what the tables have: a round trip before that of the writing.
enum JobLoading {
    /// Of the job `j`, as a row of it is decoded.
    static let columns = """
        j.job_id, j.account, j.token_sha256, j.generation, j.copy, j.attempts, j.malformed, j.ambiguous, j.intent, \
        j.copy_published, j.finished, j.dead_letter_unpublished, j.cancelled, j.first_seen, j.first_call, j.due, \
        j.changed, j.revision, j.fence, j.call_until, j.deaths, j.event
        """

    /// Each job once, or once for each of its results. One statement, so that a job and its results are of one moment.
    ///
    /// OFFSET 0: else PostgreSQL 18 may read all of a small table for a table of hashes, whatever may be scanned.
    private static let jobs = PostgresStatement(
        "load_jobs",
        """
        SELECT \(columns),
        EXISTS (SELECT 1 FROM leave_album.instances i
        WHERE i.epoch = (j.fence >> 32)::int AND \(MemberStatements.hasEnded) OFFSET 0),
        j.job_id = ANY ($3) AND EXISTS (SELECT 1 FROM leave_album.history h
        WHERE h.job_id = j.job_id AND h.generation = j.generation AND h.kind = 'redriven' OFFSET 0),
        r.generation, r.message_id, r.outcome, r.reason, r.body, r.correlation_id, r.traceparent, r.tracestate,
        r.completed, NOT \(OutboxRows.isUnpublished("r", member: 4))
        FROM leave_album.jobs j
        LEFT JOIN leave_album.results r ON r.job_id = ANY (ARRAY[CASE WHEN j.job_id = ANY ($2) THEN j.job_id END])
        WHERE j.job_id = ANY ($1)
        """, [.bytea.array, .bytea.array, .bytea.array] + AskingMember.types)
    private static let moment = PostgresStatement(
        "load_moment", "SELECT now(), (SELECT state FROM leave_album.instances WHERE epoch = $1)", [.int4])
    // What is left to the member of what it was allotted.
    private static let days = PostgresStatement(
        "load_days",
        "SELECT day, allotted - calls - probes FROM leave_album.day_shares WHERE day = ANY ($1) AND epoch = $2",
        [.text.array, .int4])

    /// - Parameters:
    ///   - results: of which jobs the results are read too.
    ///   - redrives: of which it is asked whether they were redriven.
    ///   - accounts: of which the slots are read, and with them those of the jobs in `withdrawn`.
    ///   - days: of which it is read what the member has left of them.
    static func add(
        _ ids: [JobID], results: [JobID], redrives: [JobID], accounts: [AccountID] = [], withdrawn: [JobID] = [],
        days names: [String] = [], by member: AskingMember, to batch: inout PostgresBatch
    ) {
        let epoch = member.epoch.map { Int32(clamping: $0) }
        batch.add(moment, [.value(epoch)])
        var parameters: [PostgresParameter] = []
        for name in [ids, results, redrives] { parameters.append(.array(name.map { $0.utf8 } as [[UInt8]?])) }
        batch.add(jobs, parameters + member.parameters)
        AccountRows.addLoad(accounts, of: withdrawn, to: &batch)
        let dayNames: [String?] = names
        batch.add(days, [.array(dayNames), .value(epoch)])
    }

    /// All that is stored of the jobs themselves.
    static func question(_ ids: [JobID], by member: AskingMember) -> LedgerQuestion<[JobID: StoredJob]> {
        var batch = PostgresBatch()
        add(ids, results: ids, redrives: [], by: member, to: &batch)
        return LedgerQuestion(steps: batch.executions.map { ($0.statement, $0.parameters) }) {
            rows throws(PostgresDecodingError) in try decode(rows).jobs
        }
    }

    static func decode(_ answer: ArraySlice<PostgresRows>) throws(PostgresDecodingError) -> LoadedJobs {
        precondition(answer.count == 4, "four statements have four answers")
        let (moment, rows) = (answer[answer.startIndex], answer[answer.startIndex + 1])
        let left = answer[answer.startIndex + 3]
        let now = try moment.value(0, 0, as: PostgresTime.self).timestamp
        let state = try moment.valueIfAny(0, 1, as: String.self).flatMap(ClusterMember.State.init(rawValue:))
        var loaded = LoadedJobs(
            now: now, jobs: [:], slots: try AccountRows.decode(answer[answer.startIndex + 2]), memberState: state)
        for row in 0..<left.count { loaded.left[try left.value(row, 0)] = try left.long(row, 1) }
        for index in 0..<rows.count {
            let id = JobID(utf8: try rows.value(index, 0))
            var job = if let known = loaded.jobs[id] { known } else { try Self.job(rows, index, id) }
            if !rows.isNull(index, 24) {
                let generation = try rows.int(index, 24)
                job.results[generation] = ResultRecord(
                    result: try StoredResult(rows, index, from: 25), isPublished: try rows.value(index, 33))
            }
            loaded.jobs[id] = job
        }
        return loaded
    }

    private static func job(
        _ rows: PostgresRows, _ index: Int, _ id: JobID
    ) throws(PostgresDecodingError) -> StoredJob {
        var job = StoredJob()
        job.row = try LedgerRow(rows, index, id)
        job.cancellation = try Cancellation(stored: rows.value(index, 12, as: Int16.self))
        job.revision = try rows.int(index, 17)
        job.ownerHasEnded = try rows.value(index, 22)
        job.wasRedriven = try rows.value(index, 23)
        return job
    }
}

extension LedgerRow {
    /// Nil for the row of a job that the ledger has not met, which a cancel made.
    init?(_ rows: PostgresRows, _ index: Int, _ id: JobID) throws(PostgresDecodingError) {
        guard let account = try rows.valueIfAny(index, 1, as: [UInt8].self) else { return nil }
        guard let tokenHash = SHA256Digest(bytes: try rows.value(index, 2)) else {
            throw PostgresDecodingError(row: index, column: 2, problem: "is no SHA-256")
        }
        self.init(
            jobID: id, account: AccountID(utf8: account), tokenHash: tokenHash, generation: try rows.int(index, 3),
            copy: try rows.int(index, 4), firstSeen: try rows.time(index, 13), changedAt: try rows.time(index, 16))
        attempts = try rows.int(index, 5)
        malformedAnswers = try rows.int(index, 6)
        isAmbiguous = try rows.value(index, 7)
        hasOpenIntent = try rows.value(index, 8)
        copyIsPublished = try rows.value(index, 9)
        isFinished = try rows.value(index, 10)
        deadLetterIsPublished = isFinished && rows.isNull(index, 11)
        firstCallAt = try rows.timeIfAny(index, 14)
        due = try rows.timeIfAny(index, 15)
        revision = try rows.int(index, 17)
        fence = try rows.value(index, 18)
        callUntil = try rows.timeIfAny(index, 19)
        deaths = try rows.int(index, 20)
        event = try rows.event(index, 21)
    }
}

extension StoredResult {
    /// Message id, outcome, reason, body, correlation id, traceparent, tracestate, time of completion.
    init(_ rows: PostgresRows, _ row: Int, from column: Int) throws(PostgresDecodingError) {
        guard let outcome = Outcome(rawValue: try rows.value(row, column + 1)) else {
            throw PostgresDecodingError(row: row, column: column + 1, problem: "is no outcome")
        }
        func text(_ column: Int) throws(PostgresDecodingError) -> String? {
            try rows.valueIfAny(row, column, as: [UInt8].self).map { String(decoding: $0, as: UTF8.self) }
        }
        self.init(
            messageID: try text(column) ?? "", outcome: outcome,
            // One of a newer program is left out, as in every ledger.
            reason: try rows.valueIfAny(row, column + 2, as: String.self).flatMap(Reason.init(rawValue:)),
            body: try rows.value(row, column + 3), correlationID: try text(column + 4),
            traceparent: try text(column + 5), tracestate: try text(column + 6),
            completedAt: try rows.time(row, column + 7))
    }
}

extension Cancellation {
    /// As the table has it: how much a cancel says.
    init?(stored number: Int16) {
        switch number {
        case 1: self = .beforeCall
        case 2: self = .always
        default: return nil
        }
    }

    var stored: Int16 {
        switch self {
        case .beforeCall: 1
        case .always: 2
        }
    }
}

extension PostgresRows {
    func int(_ row: Int, _ column: Int) throws(PostgresDecodingError) -> Int {
        Int(try value(row, column, as: Int32.self))
    }

    func long(_ row: Int, _ column: Int) throws(PostgresDecodingError) -> Int {
        Int(try value(row, column, as: Int64.self))
    }

    func time(_ row: Int, _ column: Int) throws(PostgresDecodingError) -> Timestamp {
        try value(row, column, as: PostgresTime.self).timestamp
    }

    func event(_ row: Int, _ column: Int) throws(PostgresDecodingError) -> EventContext? {
        try valueIfAny(row, column, as: [UInt8].self).flatMap(EventContext.init(decoding:))
    }

    func timeIfAny(_ row: Int, _ column: Int) throws(PostgresDecodingError) -> Timestamp? {
        try valueIfAny(row, column, as: PostgresTime.self)?.timestamp
    }
}
