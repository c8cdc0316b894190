import Clocks
import Ledger

/// What is asked of the database for a host's memory of it.
enum MemoryStatements {
    /// Not a hold: a word of an operator, among the lines of what stopped the ledger's work, which go with retention.
    private static let acceptance = "ledger_restored"

    private static let finding = PostgresStatement(
        "find_state",
        """
        SELECT c.identity, (SELECT system_identifier FROM pg_control_system()), c.created,
        (SELECT max(since) FROM leave_album.hold_records WHERE cause = '\(acceptance)'), i.started, i.seen, now(),
        ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint
        FROM leave_album.cluster c LEFT JOIN leave_album.instances i ON i.epoch = $1
        """, [.int4])

    /// What the database has of the member of an epoch.
    static func state(of epoch: Int) -> LedgerQuestion<RememberedLedger.Found> {
        LedgerQuestion(finding, [.value(Int32(clamping: epoch))]) { rows throws(PostgresDecodingError) in
            var found = RememberedLedger.Found(
                ledger: try rows.value(0, 0), system: try rows.value(0, 1), timeline: try rows.long(0, 7),
                created: try rows.time(0, 2),
                accepted: try rows.timeIfAny(0, 3), now: try rows.time(0, 6))
            if let started = try rows.timeIfAny(0, 4), let seen = try rows.timeIfAny(0, 5) {
                found.member = (started, seen)
            }
            return found
        }
    }

    private static let accepting = PostgresStatement(
        "accept_state",
        """
        INSERT INTO leave_album.hold_records (cause, since, epoch, until, detail)
        VALUES ('\(acceptance)', clock_timestamp(), $1, clock_timestamp(), 'the state of the database was meant')
        """, [.int4])

    static func accept(by epoch: Int?) -> LedgerQuestion<Void> {
        LedgerQuestion(accepting, [.value(Int32(clamping: epoch ?? 0))], place: .holds) { _ in }
    }
}
