import Clocks
import Jobs
import Ledger
import Secrets

/// Lines of histories, and holds for them.
enum LedgerLines {
    /// More than the retry ladder has rungs; a job that flaps keeps its newest.
    static let lineCapacity = 64

    // Without a row of the job there is nothing to add to: the line would be left behind when jobs are pruned. So that
    // nobody prunes the job at the same moment, its row is kept until the line is committed.
    private static let adding = PostgresStatement(
        "add_line",
        """
        WITH trimmed AS (DELETE FROM leave_album.history WHERE job_id = $1 AND line <= (SELECT line
        FROM leave_album.history WHERE job_id = $1 ORDER BY line DESC OFFSET \(lineCapacity - 1) LIMIT 1))
        INSERT INTO leave_album.history (job_id, at, generation, kind, detail)
        SELECT $1, $2, $3, $4, $5 FROM leave_album.jobs WHERE job_id = $1 AND account IS NOT NULL FOR KEY SHARE
        """, [.bytea, .timestamptz, .int4, .text, .text])

    static func parameters(_ event: JobEvent) -> [PostgresParameter] {
        [
            .value(event.jobID.utf8), .value(PostgresTime(event.at)), .value(Int32(clamping: event.generation)),
            .value(event.kind), .value(DetailText.scrubbed(event.detail)),
        ]
    }

    static func adding(_ event: JobEvent) -> LedgerQuery {
        .unanswered(adding, parameters(event), place: .job(event.jobID))
    }

    static func writing(_ event: JobEvent) -> LedgerQuestion<Void> {
        LedgerQuestion(adding, parameters(event), place: .job(event.jobID)) { _ in }
    }

    private static let nothing = PostgresStatement("nothing", "SELECT")

    /// Once all that was posted before is committed; its answer is who asked.
    static func barrier(_ member: AskingMember) -> LedgerQuestion<AskingMember> {
        LedgerQuestion(nothing) { _ in member }
    }

    private static let listing = PostgresStatement(
        "load_lines",
        "SELECT at, generation, kind, detail FROM leave_album.history WHERE job_id = $1 ORDER BY line", [.bytea])

    static func lines(of id: JobID) -> LedgerQuestion<[JobEvent]> {
        LedgerQuestion(listing, [.value(id.utf8)]) { rows throws(PostgresDecodingError) in
            var events: [JobEvent] = []
            for row in 0..<rows.count {
                events.append(
                    JobEvent(
                        jobID: id, generation: try rows.int(row, 1), at: try rows.time(row, 0),
                        kind: try rows.value(row, 2), detail: try rows.value(row, 3)))
            }
            return events
        }
    }

    private static let saving = PostgresStatement(
        "save_hold",
        """
        INSERT INTO leave_album.hold_records (cause, since, epoch, until, detail) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (since, cause, epoch) DO UPDATE SET until = excluded.until, detail = excluded.detail
        """, [.text, .timestamptz, .int4, .timestamptz, .text])

    static func saving(_ hold: HoldRecord, epoch: Int?) -> LedgerQuery {
        .unanswered(
            saving,
            [
                .value(hold.cause.rawValue), .value(PostgresTime(hold.since)), .value(Int32(clamping: epoch ?? 0)),
                .value(hold.until.map { PostgresTime($0) }), .value(DetailText.scrubbed(hold.detail)),
            ], place: .holds)
    }

    private static let loading = PostgresStatement(
        "load_holds",
        """
        SELECT cause, since, until, detail FROM leave_album.hold_records
        WHERE (until IS NULL OR until > $1) AND since < $2 ORDER BY since, cause, epoch
        """, [.timestamptz, .timestamptz])

    /// Causes of a newer program are left out.
    static func holds(from start: Timestamp, to end: Timestamp) -> LedgerQuestion<[HoldRecord]> {
        LedgerQuestion(loading, [.value(PostgresTime(start)), .value(PostgresTime(end))]) {
            rows throws(PostgresDecodingError) in
            var holds: [HoldRecord] = []
            for row in 0..<rows.count {
                guard let cause = HoldCause(rawValue: try rows.value(row, 0)) else { continue }
                holds.append(
                    HoldRecord(
                        cause: cause, since: try rows.time(row, 1), until: try rows.timeIfAny(row, 2),
                        detail: try rows.value(row, 3)))
            }
            return holds
        }
    }
}
