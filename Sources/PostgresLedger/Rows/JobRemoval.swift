import Clocks
import Jobs
import Ledger

/// What is forgotten. A job that is open, or of which the broker lacks something, or whose last call may still arrive,
/// stays.
enum JobRemoval {
    /// Of the job `j`. Who waits for its row looks at the row again, so that what has moved meanwhile stays.
    /// - Parameter member: see `OutboxRows.isUnpublished`.
    private static func isSettled(member: Int) -> String {
        """
        j.finished AND j.dead_letter_unpublished IS NULL AND (j.call_until IS NULL OR j.call_until < now())
        AND NOT EXISTS (SELECT 1 FROM leave_album.results o
        WHERE o.job_id = ANY (ARRAY[j.job_id]) AND \(OutboxRows.isUnpublished("o", member: member)))
        """
    }
    private static let beside = """
        lines AS (DELETE FROM leave_album.history h USING gone WHERE h.job_id = gone.job_id),
        stored AS (DELETE FROM leave_album.results r USING gone WHERE r.job_id = gone.job_id)
        """

    // Locked in the order of their ids, as every batch locks jobs: a statement that removes what it finds takes rows in
    // the order of its plan.

    // MARK: By age

    private static let pruning = PostgresStatement(
        "prune",
        """
        WITH settled AS (SELECT j.job_id, j.revision FROM leave_album.results c JOIN leave_album.jobs j
        ON j.job_id = c.job_id AND j.generation = c.generation
        WHERE c.completed < $1 AND j.changed < $1 AND \(isSettled(member: 3)) ORDER BY c.completed LIMIT $2),
        locked AS MATERIALIZED (SELECT j.job_id FROM leave_album.jobs j JOIN settled s ON j.job_id = s.job_id
        AND j.revision = s.revision ORDER BY j.job_id FOR UPDATE OF j),
        gone AS (DELETE FROM leave_album.jobs j USING locked l WHERE j.job_id = l.job_id RETURNING j.job_id), \(beside)
        SELECT count(*) FROM gone
        """, [.timestamptz, .int8] + AskingMember.types)

    /// At most so many jobs that ended before `time`. Its answer: how many.
    static func prune(before time: Timestamp, most: Int, _ member: AskingMember) -> LedgerQuestion<Int> {
        LedgerQuestion(pruning, [.value(PostgresTime(time)), .value(Int64(most))] + member.parameters) {
            rows throws(PostgresDecodingError) in try rows.long(0, 0)
        }
    }

    // In the order of locks.
    private static let pruningBeside = [
        (
            "accounts",
            """
            WITH locked AS MATERIALIZED (SELECT account, slot FROM leave_album.accounts
            WHERE coalesce(busy_until, '-infinity') < now() AND coalesce(tat, '-infinity') < now()
            AND coalesce(wait_until, '-infinity') < now() - interval '1 day' AND $1 IS NOT NULL
            ORDER BY account, slot FOR UPDATE)
            DELETE FROM leave_album.accounts a USING locked l WHERE a.account = l.account AND a.slot = l.slot
            """
        ),
        (
            "cancels",
            """
            WITH locked AS MATERIALIZED (SELECT job_id FROM leave_album.jobs WHERE account IS NULL AND changed < $1
            ORDER BY job_id FOR UPDATE)
            DELETE FROM leave_album.jobs j USING locked l WHERE j.job_id = l.job_id
            """
        ),
        ("holds", "DELETE FROM leave_album.hold_records WHERE until < $1"),
        (
            "members",
            "DELETE FROM leave_album.instances WHERE state IN ('gone', 'dead') AND greatest(seen, ended) < $1"
        ),
        // Without its row, what is left of an outbox counts as unpublished.
        (
            "outboxes",
            """
            DELETE FROM leave_album.outboxes o WHERE $1 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM leave_album.instances
            WHERE epoch = o.owner) AND NOT EXISTS (SELECT 1 FROM leave_album.results r
            WHERE r.owner = o.owner AND r.seq IS NOT NULL)
            """
        ),
        // By the day's name, whatever zone it is of: what is counted of a day that runs is never taken away.
        (
            "days",
            """
            DELETE FROM leave_album.day_shares
            WHERE at < $1 AND day < to_char(now() AT TIME ZONE 'UTC' - interval '2 days', 'YYYY-MM-DD')
            """
        ),
        (
            "allotments",
            """
            DELETE FROM leave_album.days d WHERE d.day < to_char(least($1, now()) AT TIME ZONE 'UTC' - interval '2 days', 'YYYY-MM-DD')
            AND NOT EXISTS (SELECT 1 FROM leave_album.day_shares s WHERE s.day = d.day)
            """
        ),
    ].map { PostgresStatement("prune_\($0.0)", $0.1, [.timestamptz]) }

    static func pruneBeside(before time: Timestamp) -> LedgerQuestion<Void> {
        LedgerQuestion(steps: pruningBeside.map { ($0, [.value(PostgresTime(time))]) }) { _ in }
    }

    // MARK: By name

    private static let forgetting = PostgresStatement(
        "forget",
        """
        WITH locked AS MATERIALIZED (SELECT j.job_id FROM leave_album.jobs j WHERE j.job_id = ANY ($1) AND \(isSettled(member: 2))
        ORDER BY j.job_id FOR UPDATE),
        gone AS (DELETE FROM leave_album.jobs j USING locked l WHERE j.job_id = l.job_id RETURNING j.job_id), \(beside)
        SELECT (SELECT count(*) FROM gone),
        (SELECT count(*) FROM leave_album.jobs WHERE job_id = ANY ($1) AND account IS NOT NULL)
        """, [.bytea.array] + AskingMember.types)

    /// How many went, of how many that there were.
    static func forget(_ ids: [JobID], _ member: AskingMember) -> LedgerQuestion<(forgotten: Int, known: Int)> {
        let names: [[UInt8]?] = ids.map { $0.utf8 }
        // Of several, only where nothing else is in the transaction.
        let place = ids.count == 1 ? LockPlace.job(ids[0]) : .nothing
        return LedgerQuestion(forgetting, [.array(names)] + member.parameters, place: place) {
            rows throws(PostgresDecodingError) in
            (try rows.long(0, 0), try rows.long(0, 1))
        }
    }

    private static let listing = PostgresStatement(
        "jobs_of_account", "SELECT job_id FROM leave_album.jobs WHERE account = $1", [.bytea])

    /// A scan of all jobs: seconds for millions.
    static func jobs(of account: AccountID) -> LedgerQuestion<[JobID]> {
        LedgerQuestion(listing, [.value(account.utf8)]) { rows throws(PostgresDecodingError) in
            var ids: [JobID] = []
            for row in 0..<rows.count { ids.append(JobID(utf8: try rows.value(row, 0))) }
            return ids
        }
    }
}
