import Clocks
import Ledger

extension LedgerStatistics {
    private static let reading = PostgresStatement(
        "statistics",
        """
        SELECT jobs.entries, jobs.open, jobs.ambiguous, (SELECT count(*) FROM leave_album.results WHERE published_at IS NULL),
        (SELECT count(*) FROM leave_album.jobs WHERE due < $1 AND copy_published AND NOT finished),
        (SELECT count(*) FROM leave_album.jobs WHERE dead_letter_unpublished IS NOT NULL),
        (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
        WHERE relnamespace = 'leave_album'::regnamespace AND relkind = 'r'),
        (SELECT created FROM leave_album.cluster)
        FROM (SELECT count(*) AS entries, count(*) FILTER (WHERE NOT finished) AS open,
        count(*) FILTER (WHERE NOT finished AND (ambiguous OR intent)) AS ambiguous
        FROM leave_album.jobs WHERE account IS NOT NULL) jobs
        """, [.timestamptz])

    /// A scan of all jobs: about a second for a million.
    static func question(at now: Timestamp) -> LedgerQuestion<LedgerStatistics> {
        LedgerQuestion(reading, [.value(PostgresTime(now - LedgerRules.lateness))]) {
            rows throws(PostgresDecodingError) in
            LedgerStatistics(
                entries: try rows.long(0, 0), open: try rows.long(0, 1), ambiguous: try rows.long(0, 2),
                unpublished: try rows.long(0, 3), overdue: try rows.long(0, 4), bytes: try rows.long(0, 6),
                diskFreeBytes: nil, unpublishedDeadLetters: try rows.long(0, 5), createdAt: try rows.timeIfAny(0, 7))
        }
    }
}
