import Clocks
import Concurrency
package import Ledger

/// What the database says of itself, for `DatabaseCondition`.
struct ConditionReading: Sendable {
    /// The first transaction id that was not given out.
    var next: Int64
    /// The first whose changes somebody may not see; nil: this role does not see all who may.
    var oldest: Int64?
    var standbys: StandbyCount
    var timeline: Int

    // A vacuum's snapshot keeps nothing. A walsender's is that of a standby with hot_standby_feedback, if it has no slot.
    // A subscriber, and a base backup, are connected as standbys are. The name of a file of the log begins with the
    // timeline, and is right at once after a promotion, which pg_control_checkpoint() is not.
    private static let reading = PostgresStatement(
        "condition",
        """
        SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), newest::text::bigint,
        least(oldest::text::bigint, newest::text::bigint + age(newest::xid) - (SELECT max(age(held)) FROM (
        SELECT backend_xmin AS held FROM pg_catalog.pg_stat_activity AS session WHERE backend_xmin IS NOT NULL
        AND (datname = current_database() OR backend_type = 'walsender') AND pid <> pg_backend_pid()
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum AS vacuum WHERE vacuum.pid = session.pid)
        UNION ALL SELECT xmin FROM pg_catalog.pg_replication_slots WHERE xmin IS NOT NULL) AS holder)),
        current_setting('synchronous_standby_names'), current_setting('synchronous_commit'),
        (SELECT count(*) FROM pg_catalog.pg_stat_replication AS standby
        WHERE state IS DISTINCT FROM 'backup' AND application_name IS DISTINCT FROM 'pg_basebackup'
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots
        WHERE active_pid = standby.pid AND slot_type = 'logical')),
        (SELECT count(*) FROM pg_catalog.pg_stat_replication WHERE sync_state IN ('sync', 'quorum')),
        ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint
        FROM (SELECT pg_snapshot_xmin(taken) AS oldest, pg_snapshot_xmax(taken) AS newest
        FROM pg_current_snapshot() AS taken) AS moment
        """)

    static let question = LedgerQuestion(reading) { rows throws(PostgresDecodingError) in
        let seesAll: Bool = try rows.value(0, 0)
        let oldest: Int64 = try rows.value(0, 2)
        return ConditionReading(
            next: try rows.value(0, 1), oldest: seesAll ? oldest : nil,
            standbys: StandbyCount(
                names: try rows.value(0, 3), commit: try rows.value(0, 4), standbys: try rows.long(0, 5),
                synchronous: try rows.long(0, 6), seesStates: seesAll),
            timeline: try rows.long(0, 7))
    }
}

extension DatabaseLedger {
    /// Asked beside the jobs.
    package func condition() async throws(LedgerError) -> DatabaseCondition? {
        let reading = try await reader.ask(ConditionReading.question)
        let now = clusterClock.now()
        return DatabaseCondition(
            xminAge: reading.oldest.map { oldest in
                xminHistory.withLock { $0.note(next: reading.next, oldest: oldest, at: now) }
            }, replication: looksAtStandbys ? reading.standbys.replication : nil, timeline: reading.timeline)
    }
}
