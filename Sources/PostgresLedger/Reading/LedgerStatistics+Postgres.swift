import Clocks
import Ledger

extension LedgerStatistics {
    private static let counting = reading("statistics", "leave_album.jobs", percent: "100", [.timestamptz], member: 2)

    // Whole blocks, the same ones each time, so that two answers differ by what has changed. By the table's size, which is
    // known, and not by what the planner remembers of it. At 100 percent nothing is left out.
    // https://www.postgresql.org/docs/15/sql-select.html (TABLESAMPLE)
    private static let share =
        "(SELECT least(100, 100.0 * $2 / greatest(1, pg_relation_size('leave_album.jobs')))::real)"
    private static let sampling = reading(
        "statistics_sample", "leave_album.jobs TABLESAMPLE SYSTEM (\(share)) REPEATABLE (1)", percent: share,
        [.timestamptz, .int8], member: 3)

    private static func reading(
        _ name: String, _ jobs: String, percent: String, _ parameters: [PostgresType], member: Int
    ) -> PostgresStatement {
        PostgresStatement(
            name,
            """
            SELECT round(jobs.entries * 100 / share.percent)::bigint, round(jobs.open * 100 / share.percent)::bigint,
            round(jobs.ambiguous * 100 / share.percent)::bigint,
            (SELECT count(*) FROM leave_album.results WHERE seq IS NULL AND published_at IS NULL)
            + (SELECT count(*) FROM leave_album.outboxes o JOIN leave_album.results r ON r.owner = o.owner
            AND r.seq >= o.published_below AND \(OutboxRows.isUnpublished("r", member: member))),
            (SELECT count(*) FROM leave_album.jobs WHERE due < $1 AND copy_published AND NOT finished),
            (SELECT count(*) FROM leave_album.jobs WHERE dead_letter_unpublished IS NOT NULL),
            (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
            WHERE relnamespace = 'leave_album'::regnamespace AND relkind = 'r'),
            (SELECT created FROM leave_album.cluster), share.percent < 100,
            (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000)::bigint,
            round(jobs.calling * 100 / share.percent)::bigint
            FROM (SELECT count(*) AS entries, count(*) FILTER (WHERE NOT finished) AS open,
            count(*) FILTER (WHERE NOT finished AND (ambiguous OR intent)) AS ambiguous,
            count(*) FILTER (WHERE NOT finished AND intent AND NOT ambiguous AND call_until >= statement_timestamp())
            AS calling
            FROM \(jobs) WHERE account IS NOT NULL) jobs, (SELECT \(percent)::real AS percent) share
            """, parameters + AskingMember.types)
    }

    /// A scan of all jobs: about a second for a million.
    static func question(at now: Timestamp, _ member: AskingMember) -> LedgerQuestion<LedgerStatistics> {
        LedgerQuestion(counting, [.value(overdue(at: now))] + member.parameters, decode)
    }

    /// Some 300,000 jobs, or a fifth of a second; a hundredth more or less of the sum.
    static let sampledBytes: Int64 = 128 << 20

    /// The same of so many bytes of the table of jobs: all of it where it is no larger.
    static func sample(
        at now: Timestamp, _ member: AskingMember, bytes: Int64 = sampledBytes
    ) -> LedgerQuestion<LedgerStatistics> {
        LedgerQuestion(sampling, [.value(overdue(at: now)), .value(bytes)] + member.parameters, decode)
    }

    private static func overdue(at now: Timestamp) -> PostgresTime { PostgresTime(now - LedgerRules.lateness) }

    @Sendable
    private static func decode(_ rows: PostgresRows) throws(PostgresDecodingError) -> LedgerStatistics {
        LedgerStatistics(
            entries: try rows.long(0, 0), open: try rows.long(0, 1), ambiguous: try rows.long(0, 2),
            calling: try rows.long(0, 10), unpublished: try rows.long(0, 3), overdue: try rows.long(0, 4),
            bytes: try rows.long(0, 6),
            diskFreeBytes: nil, unpublishedDeadLetters: try rows.long(0, 5), createdAt: try rows.timeIfAny(0, 7),
            isEstimated: try rows.value(0, 8), countingTime: .milliseconds(max(0, try rows.long(0, 9))))
    }
}
