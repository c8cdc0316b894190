import Clocks
import Jobs
import Ledger

/// What the pipeline asks beside its jobs.
enum LedgerQuestions {
    // MARK: Days

    private static let counting = PostgresStatement(
        "count_of_day",
        """
        SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(probes), 0)::bigint
        FROM leave_album.day_shares WHERE day = $1
        """, [.text])

    static func count(of day: String) -> LedgerQuestion<DayCount> {
        LedgerQuestion(counting, [.value(day)]) { rows throws(PostgresDecodingError) in
            DayCount(calls: try rows.long(0, 0), albumQueries: try rows.long(0, 1))
        }
    }

    // MARK: Results

    static let resultColumns =
        "message_id, outcome, reason, body, correlation_id, traceparent, tracestate, completed"

    // What another member that lives has not published, it publishes itself.
    private static let unpublished = PostgresStatement(
        "unpublished_results",
        """
        SELECT job_id, generation, \(resultColumns), owner <> $2 FROM (
        SELECT job_id, generation, \(resultColumns), owner FROM leave_album.results
        WHERE seq IS NULL AND published_at IS NULL AND job_id > $1 AND \(mayPublish("owner"))
        UNION ALL SELECT job_id, generation, \(resultColumns), r.owner FROM leave_album.outboxes o
        JOIN leave_album.results r ON r.owner = o.owner AND r.seq >= o.published_below
        WHERE published_at IS NULL AND job_id > $1 AND \(mayPublish("o.owner"))
        AND (o.owner <> $2 OR r.seq = ANY ($3))) r
        WHERE NOT EXISTS (SELECT 1 FROM leave_album.results older WHERE older.job_id = r.job_id
        AND older.generation < r.generation AND \(OutboxRows.isUnpublished("older", member: 2)))
        ORDER BY job_id, generation LIMIT $4
        """, [.bytea] + AskingMember.types + [.int8])

    private static func mayPublish(_ owner: String) -> String {
        """
        (\(owner) = $2 OR NOT EXISTS (SELECT 1 FROM leave_album.instances
        WHERE epoch = \(owner) AND \(MemberStatements.isLive) AND alive_until >= now()))
        """
    }

    static func unpublished(
        after last: JobID?, limit: Int, _ member: AskingMember
    ) -> LedgerQuestion<[UnpublishedResult]> {
        LedgerQuestion(
            unpublished, [.value(last?.utf8 ?? [])] + member.parameters + [.value(Int64(limit))]
        ) { rows throws(PostgresDecodingError) in
            var results = try results(rows)
            for row in results.indices { results[row].isLeftByAnother = try rows.value(row, isLeftColumn) }
            return results
        }
    }

    /// Behind job, generation and the result's.
    private static let isLeftColumn = 10

    /// Job, generation and the result, of each row.
    static func results(_ rows: PostgresRows) throws(PostgresDecodingError) -> [UnpublishedResult] {
        var results: [UnpublishedResult] = []
        for row in 0..<rows.count {
            results.append(
                UnpublishedResult(
                    jobID: JobID(utf8: try rows.value(row, 0)), generation: try rows.int(row, 1),
                    result: try StoredResult(rows, row, from: 2)))
        }
        return results
    }

    /// Of so many results, the newest.
    private static let newest = 10_000
    private static let success = PostgresStatement(
        "knows_success",
        """
        SELECT EXISTS (SELECT 1 FROM (SELECT outcome FROM leave_album.results
        ORDER BY completed DESC, job_id DESC, generation DESC LIMIT \(newest)) newest
        WHERE outcome IN (\([Outcome.left, .alreadyLeft].map { "'\($0.rawValue)'" }.joined(separator: ", "))))
        """)

    static func knowsSuccess() -> LedgerQuestion<Bool> {
        LedgerQuestion(success) { rows throws(PostgresDecodingError) in try rows.value(0, 0) }
    }

    // MARK: The overdue

    private static let overdue = PostgresStatement(
        "overdue",
        """
        SELECT job_id, account, generation, copy, attempts, ambiguous OR intent, malformed, first_seen, first_call, due,
        revision, event FROM leave_album.jobs WHERE due < $1 AND copy_published AND NOT finished
        ORDER BY due LIMIT $2
        """, [.timestamptz, .int8])

    static func overdue(before time: Timestamp, limit: Int) -> LedgerQuestion<[OverdueJob]> {
        LedgerQuestion(overdue, [.value(PostgresTime(time)), .value(Int64(limit))]) {
            rows throws(PostgresDecodingError) in
            var jobs: [OverdueJob] = []
            for row in 0..<rows.count {
                let open = OpenJob(
                    generation: try rows.int(row, 2), copy: try rows.int(row, 3), attempts: try rows.int(row, 4),
                    isAmbiguous: try rows.value(row, 5), malformedAnswers: try rows.int(row, 6),
                    firstSeen: try rows.time(row, 7), firstCallAt: try rows.timeIfAny(row, 8),
                    due: try rows.timeIfAny(row, 9), copyIsPublished: true, event: try rows.event(row, 11))
                jobs.append(
                    OverdueJob(
                        jobID: JobID(utf8: try rows.value(row, 0)), account: AccountID(utf8: try rows.value(row, 1)),
                        open: open, revision: try rows.int(row, 10)))
            }
            return jobs
        }
    }
}
