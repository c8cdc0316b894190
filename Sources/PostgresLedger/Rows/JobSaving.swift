import Clocks
import Jobs
import Ledger
import Secrets

/// Writing of what was decided of a job: the second round trip. The whole of a job is one statement, which does nothing
/// if the row is no longer what was read, so that of what belongs together either all is written or nothing.
enum JobSaving {
    private struct Column: Sendable {
        let name: String
        let type: PostgresType
        let value: @Sendable (JobPlan) -> PostgresParameter

        static func job<Value: PostgresScalar>(
            _ name: String, _ type: PostgresType, _ value: @escaping @Sendable (JobPlan) -> Value?
        ) -> Column {
            Column(name: name, type: type) { .value(value($0)) }
        }

        /// NULL in a row that a cancel made.
        static func row<Value: PostgresScalar>(
            _ name: String, _ type: PostgresType, _ value: @escaping @Sendable (LedgerRow) -> Value?
        ) -> Column {
            Column(name: name, type: type) { .value($0.after.row.flatMap(value)) }
        }

        static func counter(_ name: String, _ value: @escaping @Sendable (LedgerRow) -> Int) -> Column {
            Column(name: name, type: .int4) { .value(Int32(clamping: $0.after.row.map(value) ?? 0)) }
        }

        static func flag(
            _ name: String, otherwise: Bool = false, _ value: @escaping @Sendable (LedgerRow) -> Bool
        ) -> Column {
            Column(name: name, type: .bool) { .value($0.after.row.map(value) ?? otherwise) }
        }
    }

    private static func time(_ time: Timestamp?) -> PostgresTime? { time.map { PostgresTime($0) } }

    private static let columns: [Column] = [
        .row("account", .bytea) { $0.account.utf8 },
        .row("token_sha256", .bytea) { $0.tokenHash.bytes },
        .counter("generation") { $0.generation },
        .counter("copy") { $0.copy },
        .counter("attempts") { $0.attempts },
        .counter("malformed") { $0.malformedAnswers },
        .flag("ambiguous") { $0.isAmbiguous },
        .flag("intent") { $0.hasOpenIntent },
        .flag("copy_published", otherwise: true) { $0.copyIsPublished },
        .flag("finished") { $0.isFinished },
        .row("dead_letter_unpublished", .timestamptz) {
            $0.isFinished && !$0.deadLetterIsPublished ? PostgresTime($0.changedAt) : nil
        },
        .job("cancelled", .int2) { $0.after.cancellation?.stored ?? 0 },
        .job("first_seen", .timestamptz) { time($0.after.row?.firstSeen ?? $0.countedAt) },
        .row("first_call", .timestamptz) { time($0.firstCallAt) },
        .row("due", .timestamptz) { time($0.due) },
        .job("changed", .timestamptz) { time($0.after.row?.changedAt ?? $0.countedAt) },
        .job("revision", .int4) { Int32(clamping: $0.after.revision) },
        .job("fence", .int8) { $0.after.row?.fence ?? 0 },
        .row("call_until", .timestamptz) { time($0.callUntil) },
        .counter("deaths") { $0.deaths },
    ]

    // Behind the job's id and its columns.
    private static let seen = "$\(columns.count + 2)"
    private static let claimer = "$\(columns.count + 3)"
    private static let owner = "$\(columns.count + 4)"
    private static let results = (5...13).map { "$\(columns.count + $0)" }.joined(separator: ", ")
    private static let days = (14...17).map { "$\(columns.count + $0)" }.joined(separator: ", ")
    private static let countedAt = "$\(columns.count + 18)"
    private static let slotAccount = "$\(columns.count + 19)"
    private static let slotNumber = "$\(columns.count + 20)"
    private static let slotFence = "$\(columns.count + 21)"
    private static let spentDay = "$\(columns.count + 22)"
    private static let spentCalls = "$\(columns.count + 23)"

    private static let types: [PostgresType] = {
        let scalars: [PostgresType] = [.int4, .int4, .int4]
        let results: [PostgresType] = [
            .int4, .bytea, .text, .text, .bytea, .bytea, .bytea, .bytea, .timestamptz,
        ]
        let days: [PostgresType] = [.text, .int4, .int4, .int4]
        var types: [PostgresType] = [.bytea]
        types += columns.map { $0.type }
        types += scalars
        types += (results + days).map { $0.array }
        types += [.timestamptz, .bytea, .int2, .int8, .text, .int4]
        return types
    }()

    /// Locked, because a batch of the same member may be on its way over a connection that the member has given up.
    private static let share = """
        share AS MATERIALIZED (SELECT 1 FROM leave_album.day_shares WHERE day = \(spentDay) AND epoch = \(claimer)
        AND calls + probes + \(spentCalls) <= allotted FOR UPDATE)
        """

    /// A claim is made by a member, and by nobody who is taken for dead; it has the slot that it needs; and what it takes
    /// of the day was allotted to that member.
    private static let mayWrite = """
        (\(claimer) IS NULL OR EXISTS (SELECT 1 FROM leave_album.instances
        WHERE epoch = \(claimer) AND \(MemberStatements.isLive)))
        AND (\(spentDay) IS NULL OR EXISTS (SELECT 1 FROM share))
        AND (\(slotFence) IS NULL OR EXISTS (SELECT 1 FROM leave_album.accounts
        WHERE account = \(slotAccount) AND slot = \(slotNumber) AND busy_fence = \(slotFence)))
        """

    private static let beside = """
        stored AS (INSERT INTO leave_album.results (job_id, generation, message_id, outcome, reason, body,
        correlation_id, traceparent, tracestate, completed, owner)
        SELECT moved.job_id, u.*, \(owner) FROM moved, unnest(\(results)) u
        ON CONFLICT (job_id, generation) DO NOTHING),
        counted AS (INSERT INTO leave_album.day_shares AS d (day, epoch, calls, probes, at)
        SELECT u.day, u.epoch, u.calls, u.probes, \(countedAt)
        FROM moved, unnest(\(days)) u (day, epoch, calls, probes)
        ON CONFLICT (day, epoch) DO UPDATE SET calls = d.calls + excluded.calls, probes = d.probes + excluded.probes)
        SELECT count(*) FROM moved
        """

    private static let inserting = PostgresStatement(
        "insert_job",
        """
        WITH \(share), moved AS (INSERT INTO leave_album.jobs (job_id, \(columns.map(\.name).joined(separator: ", ")))
        SELECT $1, \(columns.indices.map { "$\($0 + 2)" }.joined(separator: ", "))
        WHERE \(seen) = 0 AND \(mayWrite) ON CONFLICT (job_id) DO NOTHING RETURNING job_id), \(beside)
        """, types)

    private static let updating = PostgresStatement(
        "update_job",
        """
        WITH \(share), moved AS (UPDATE leave_album.jobs
        SET \(columns.enumerated().map { "\($1.name) = $\($0 + 2)" }.joined(separator: ", "))
        WHERE job_id = $1 AND revision = \(seen) AND \(mayWrite) RETURNING job_id), \(beside)
        """, types)

    // The first of its statement's rows.
    private static let marking = PostgresStatement(
        "mark_results",
        """
        UPDATE leave_album.results SET published_at = now()
        WHERE job_id = $1 AND generation = ANY ($2) AND published_at IS NULL
        """, [.bytea, .int4.array])

    /// Adds the statement that writes the row, if the plan changes it; `isWritten` reads its answer.
    static func add(_ plan: JobPlan, epoch: Int?, to batch: inout PostgresBatch) {
        let owner = Int32(clamping: epoch ?? 0)
        let results = plan.newResults.compactMap { generation in
            plan.after.results[generation].map { (generation, $0.result) }
        }
        func bytes(_ text: (StoredResult) -> String?) -> PostgresParameter {
            let bytes: [[UInt8]?] = results.map { text($0.1).map { Array($0.utf8) } }
            return .array(bytes)
        }
        func array<Element: PostgresScalar>(_ element: (StoredResult) -> Element?) -> PostgresParameter {
            let elements: [Element?] = results.map { element($0.1) }
            return .array(elements)
        }
        let generations: [Int32?] = results.map { Int32(clamping: $0.0) }
        // In one order everywhere, so that two batches cannot wait for each other.
        let days = plan.counts.sorted { ($0.key.day, $0.key.epoch) < ($1.key.day, $1.key.epoch) }
        let dayNames: [String?] = days.map { $0.key.day }
        let epochs: [Int32?] = days.map { Int32(clamping: $0.key.epoch) }
        let calls: [Int32?] = days.map { Int32(clamping: $0.value.calls) }
        let questions: [Int32?] = days.map { Int32(clamping: $0.value.albumQueries) }
        var parameters: [PostgresParameter] = [.value(plan.jobID.utf8)]
        parameters += columns.map { $0.value(plan) }
        parameters.append(.value(Int32(clamping: plan.before.revision)))
        parameters.append(.value(plan.claims ? owner : nil))
        parameters.append(.value(owner))
        parameters.append(.array(generations))
        parameters.append(bytes { $0.messageID })
        parameters.append(array { $0.outcome.rawValue })
        parameters.append(array { $0.reason?.rawValue })
        parameters.append(array { $0.body })
        parameters.append(bytes { $0.correlationID })
        parameters.append(bytes { $0.traceparent })
        parameters.append(bytes { $0.tracestate })
        parameters.append(array { PostgresTime($0.completedAt) })
        parameters.append(.array(dayNames))
        parameters.append(.array(epochs))
        parameters.append(.array(calls))
        parameters.append(.array(questions))
        parameters.append(.value(time(plan.countedAt)))
        parameters.append(.value(plan.slot?.account.utf8))
        parameters.append(.value(plan.slot.map { Int16(clamping: $0.taken.number) }))
        parameters.append(.value(plan.slot?.fence))
        parameters.append(.value(plan.spending?.day))
        parameters.append(.value(plan.spending.map { Int32(clamping: $0.calls) }))
        batch.add(plan.before.revision == 0 ? inserting : updating, parameters)
    }

    /// Whether the row was still what had been read.
    static func isWritten(_ rows: PostgresRows) throws(PostgresDecodingError) -> Bool { try rows.long(0, 0) > 0 }

    static func addMarks(_ plan: JobPlan, to batch: inout PostgresBatch) {
        let generations: [Int32?] = plan.marked.map { Int32(clamping: $0) }
        batch.add(marking, [.value(plan.jobID.utf8), .array(generations)])
    }
}
