import Clocks
import Ledger

/// What one connection shows of the database at its other end.
struct DatabaseSight: Equatable, Sendable {
    var timeline: Int
    /// When it last heard of the member that asks; nil: it knows of none.
    var seen: Timestamp?
}

/// What a member asks of a database that may not be what it was.
enum FailoverStatements {
    /// SQL. The name of a file of the log begins with the timeline, and is right at once after a promotion.
    static let timeline = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint"

    private static let looking = PostgresStatement(
        "find_timeline",
        """
        SELECT \(timeline),
        (SELECT seen FROM leave_album.instances WHERE epoch = $1)
        """, [.int4])

    static func look(epoch: Int) -> LedgerQuestion<DatabaseSight> {
        LedgerQuestion(looking, [.value(Int32(clamping: epoch))]) { rows throws(PostgresDecodingError) in
            DatabaseSight(timeline: try rows.long(0, 0), seen: try rows.timeIfAny(0, 1))
        }
    }

    private static let finding = PostgresStatement(
        "find_others",
        "SELECT epoch, name, seen FROM leave_album.instances WHERE \(MemberStatements.isLive) AND epoch <> $1",
        [.int4])

    static func others(than epoch: Int) -> LedgerQuestion<[ComparisonWait.Member]> {
        LedgerQuestion(finding, [.value(Int32(clamping: epoch))]) { rows throws(PostgresDecodingError) in
            var members: [ComparisonWait.Member] = []
            for row in 0..<rows.count {
                members.append(
                    ComparisonWait.Member(
                        epoch: try rows.int(row, 0), name: try rows.value(row, 1), seen: try rows.time(row, 2)))
            }
            return members
        }
    }

    // MARK: What all share

    static let sharedVersion = LedgerQuestion(
        PostgresStatement("find_shared_version", "SELECT version FROM leave_album.cluster")
    ) { rows throws(PostgresDecodingError) in try rows.value(0, 0, as: Int64.self) }

    private static let restoring = PostgresStatement(
        "restore_shared",
        "UPDATE leave_album.cluster SET version = $2, shared = $3, written_as = NULL WHERE version = $1",
        [.int8, .int8, .bytea])

    /// Whether it was still that version.
    static func restore(_ known: ClusterMemory.Known, over version: Int64) -> LedgerQuestion<Bool> {
        LedgerQuestion(
            restoring, [.value(version), .value(known.version), .value(known.stored)], place: .cluster
        ) { $0.affected == 1 }
    }
}
