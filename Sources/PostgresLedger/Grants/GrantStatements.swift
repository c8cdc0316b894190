import Clocks
import Jobs
import Ledger

/// The rows of `grants`, each by its key alone, and the line of those who refresh.
enum GrantStatements {
    private static func milliseconds(_ parameter: String) -> String { "\(parameter) * interval '1 millisecond'" }

    // MARK: Reading

    private static let columns =
        """
        account, sealed, version, sealed_access,
        (extract(epoch FROM access_until - now()) * 1000)::bigint,
        CASE WHEN refresh_until >= now() THEN (extract(epoch FROM refresh_until - now()) * 1000)::bigint END,
        changed, (extract(epoch FROM now() - changed) * 1000)::bigint
        """

    private static let finding = PostgresStatement(
        "find_grant", "SELECT \(columns) FROM leave_album.grants WHERE account = $1", [.bytea])

    static func find(_ account: AccountID, on timeline: Int?) -> LedgerQuestion<OnTimeline<SealedGrant?>> {
        on(timeline, finding, [.value(account.utf8)]) { rows throws(PostgresDecodingError) in try decode(rows).first }
    }

    private static let findingSome = PostgresStatement(
        "find_grants", "SELECT \(columns) FROM leave_album.grants WHERE account = ANY ($1)", [.bytea.array])

    static func find(_ accounts: [AccountID]) -> LedgerQuestion<[SealedGrant]> {
        LedgerQuestion(findingSome, [.array(accounts.map { $0.utf8 as [UInt8]? })], decode)
    }

    private static let listing = PostgresStatement(
        "list_grants", "SELECT \(columns) FROM leave_album.grants WHERE account > $1 ORDER BY account LIMIT $2",
        [.bytea, .int8])

    /// No account is empty.
    static func list(after account: AccountID?, limit: Int) -> LedgerQuestion<[SealedGrant]> {
        LedgerQuestion(listing, [.value(account?.utf8 ?? []), .value(Int64(limit))], decode)
    }

    private static func decode(_ rows: PostgresRows) throws(PostgresDecodingError) -> [SealedGrant] {
        var grants: [SealedGrant] = []
        for row in 0..<rows.count {
            var grant = SealedGrant(
                account: AccountID(utf8: try rows.value(row, 0)), sealed: try rows.value(row, 1),
                version: try rows.value(row, 2))
            if let access: [UInt8] = try rows.valueIfAny(row, 3), let left: Int64 = try rows.valueIfAny(row, 4) {
                grant.access = SealedAccess(sealed: access, timeLeft: .milliseconds(left))
            }
            let lease: Int64? = try rows.valueIfAny(row, 5)
            grant.leaseLeft = lease.map { .milliseconds($0) }
            grant.writtenAt = try rows.time(row, 6)
            grant.age = .milliseconds(Int64(try rows.long(row, 7)))
            grants.append(grant)
        }
        return grants
    }

    private static let counting = PostgresStatement("count_grants", "SELECT count(*) FROM leave_album.grants")

    static let count = LedgerQuestion(counting) { rows throws(PostgresDecodingError) in try rows.long(0, 0) }

    // MARK: On one timeline

    /// What is answered by a database that is the one on which all have compared, or is another.
    enum OnTimeline<Answer: Sendable>: Sendable {
        case answer(Answer)
        case another
    }

    private static func isOn(_ parameter: String) -> String {
        "(\(parameter)::bigint IS NULL OR \(parameter) = \(FailoverStatements.timeline))"
    }

    // A server that takes writes does not change it before it ends.
    private static let comparing = PostgresStatement("grants_timeline", "SELECT \(isOn("$1"))", [.int8])

    private static func on<Answer: Sendable>(
        _ timeline: Int?, _ statement: PostgresStatement, _ parameters: [PostgresParameter],
        _ decode: @escaping @Sendable (PostgresRows) throws(PostgresDecodingError) -> Answer
    ) -> LedgerQuestion<OnTimeline<Answer>> {
        LedgerQuestion(steps: [(comparing, [.value(timeline.map { Int64($0) })]), (statement, parameters)]) {
            answers throws(PostgresDecodingError) in
            let rows = Array(answers)
            return try rows[0].value(0, 0) ? .answer(try decode(rows[1])) : .another
        }
    }

    // MARK: Refreshing

    // A lease that ended by itself leaves its doubt behind until something is written.
    private static let leasing = PostgresStatement(
        "lease_grant",
        """
        UPDATE leave_album.grants SET in_doubt = in_doubt OR coalesce(refresh_until < now(), false), refresh_fence = $3,
        refresh_until = now() + \(milliseconds("$4"))
        WHERE account = $1 AND version = $2
        AND (refresh_until IS NULL OR refresh_until < now() OR refresh_fence = $3) AND \(isOn("$5")) RETURNING in_doubt
        """, [.bytea, .int8, .int8, .int8, .int8])

    static func lease(
        _ account: AccountID, version: Int64, fence: Int64, for time: Duration, on timeline: Int?
    ) -> LedgerQuestion<OnTimeline<GrantLease?>> {
        on(
            timeline, leasing,
            [
                .value(account.utf8), .value(version), .value(fence), .value(time.milliseconds),
                .value(timeline.map { Int64($0) }),
            ]
        ) { rows throws(PostgresDecodingError) in
            guard rows.count == 1 else { return nil }
            return GrantLease(isInDoubt: try rows.value(0, 0))
        }
    }

    private static let renewing = PostgresStatement(
        "renew_grant",
        """
        UPDATE leave_album.grants SET refresh_until = now() + \(milliseconds("$3"))
        WHERE account = $1 AND refresh_fence = $2 AND \(isOn("$4"))
        """, [.bytea, .int8, .int8, .int8])

    static func renew(
        _ account: AccountID, fence: Int64, for time: Duration, on timeline: Int?
    ) -> LedgerQuestion<OnTimeline<Bool>> {
        on(
            timeline, renewing,
            [.value(account.utf8), .value(fence), .value(time.milliseconds), .value(timeline.map { Int64($0) })]
        ) { $0.affected == 1 }
    }

    // The fence stays: whoever does not know whether this was committed writes the same once more.
    private static let saving = PostgresStatement(
        "save_grant",
        """
        UPDATE leave_album.grants SET sealed = $4, version = $5, sealed_access = $6,
        access_until = now() + \(milliseconds("$7")), refresh_until = NULL, in_doubt = false, changed = now()
        WHERE account = $1 AND (refresh_fence = $2 OR version = $3) AND \(isOn("$8")) RETURNING changed
        """, [.bytea, .int8, .int8, .bytea, .int8, .bytea, .int8, .int8])

    /// When it was written, by the database's clock; nil: somebody else has written since.
    static func save(
        _ refreshed: RefreshedGrant, as version: Int64, on timeline: Int?
    ) -> LedgerQuestion<OnTimeline<Timestamp?>> {
        on(
            timeline, saving,
            [
                .value(refreshed.account.utf8), .value(refreshed.fence), .value(refreshed.version),
                .value(refreshed.sealed), .value(version), .value(refreshed.access?.sealed),
                .value(refreshed.access?.timeLeft.milliseconds), .value(timeline.map { Int64($0) }),
            ]
        ) { rows throws(PostgresDecodingError) in rows.count == 0 ? nil : try rows.time(0, 0) }
    }

    // What was lost in a failover, in place of the older one that is there.
    private static let restoring = PostgresStatement(
        "restore_grant",
        """
        UPDATE leave_album.grants SET sealed = $3, version = $4, changed = $5, sealed_access = $6,
        access_until = now() + \(milliseconds("$7")), refresh_fence = NULL, refresh_until = NULL, in_doubt = false
        WHERE account = $1 AND version = $2
        """, [.bytea, .int8, .bytea, .int8, .timestamptz, .bytea, .int8])

    static func restore(
        _ account: AccountID, _ row: RecentGrants.Row, over version: Int64, at now: MonotonicTime
    ) -> LedgerQuestion<Bool> {
        LedgerQuestion(
            restoring,
            [
                .value(account.utf8), .value(version), .value(row.sealed), .value(row.version),
                .value(PostgresTime(row.writtenAt)), .value(row.access?.sealed),
                .value(row.access.map { ($0.timeLeft - (now - row.knownAt)).milliseconds }),
            ]
        ) { $0.affected == 1 }
    }

    private static let releasing = PostgresStatement(
        "release_grant",
        "UPDATE leave_album.grants SET refresh_until = NULL WHERE account = $1 AND refresh_fence = $2",
        [.bytea, .int8])

    static func release(_ account: AccountID, fence: Int64) -> LedgerQuestion<Void> {
        LedgerQuestion(releasing, [.value(account.utf8), .value(fence)]) { _ in }
    }

    // A line that reaches further than all who are in it can fill was made by a clock that has gone back since.
    private static let placing = PostgresStatement(
        "place_refresh",
        """
        UPDATE leave_album.refreshes SET next = greatest(least(next, now() + interval '30 seconds'), now())
        + \(milliseconds("$1")) RETURNING (extract(epoch FROM next - now()) * 1000)::bigint
        """, [.int8])

    static func takePlace(every interval: Duration) -> LedgerQuestion<Duration> {
        LedgerQuestion(placing, [.value(interval.milliseconds)]) { rows throws(PostgresDecodingError) in
            .milliseconds(max(0, Int64(try rows.long(0, 0)) - interval.milliseconds))
        }
    }

    // MARK: What operators change

    private static let replacing = PostgresStatement(
        "replace_grant",
        """
        INSERT INTO leave_album.grants (account, sealed, version, changed) VALUES ($1, $2, $3, now())
        ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, version = excluded.version, changed = now(),
        sealed_access = NULL, access_until = NULL, refresh_fence = NULL, refresh_until = NULL, in_doubt = false
        """, [.bytea, .bytea, .int8])

    static func replace(_ account: AccountID, _ sealed: [UInt8], as version: Int64) -> LedgerQuestion<Void> {
        LedgerQuestion(replacing, [.value(account.utf8), .value(sealed), .value(version)]) { _ in }
    }

    // Found again by its number, if the answer to an earlier try was lost.
    private static let adding = PostgresStatement(
        "add_grant",
        """
        INSERT INTO leave_album.grants (account, sealed, version, changed) VALUES ($1, $2, $3, now())
        ON CONFLICT (account) DO NOTHING
        """, [.bytea, .bytea, .int8])
    private static let findingAdded = PostgresStatement(
        "find_added_grant", "SELECT 1 FROM leave_album.grants WHERE account = $1 AND version = $2", [.bytea, .int8])

    static func add(_ account: AccountID, _ sealed: [UInt8], as version: Int64) -> LedgerQuestion<Bool> {
        LedgerQuestion(steps: [
            (adding, [.value(account.utf8), .value(sealed), .value(version)]),
            (findingAdded, [.value(account.utf8), .value(version)]),
        ]) { Array($0)[1].count == 1 }
    }

    private static let resealing = PostgresStatement(
        "reseal_grant",
        """
        UPDATE leave_album.grants SET sealed = $3, version = $4, sealed_access = NULL, access_until = NULL
        WHERE account = $1 AND version IN ($2, $4)
        """, [.bytea, .int8, .bytea, .int8])

    static func reseal(
        _ account: AccountID, version: Int64, _ sealed: [UInt8], as next: Int64
    ) -> LedgerQuestion<Bool> {
        LedgerQuestion(
            resealing, [.value(account.utf8), .value(version), .value(sealed), .value(next)]
        ) { $0.affected == 1 }
    }

    private static let removing = PostgresStatement(
        "remove_grant", "DELETE FROM leave_album.grants WHERE account = $1", [.bytea])

    static func remove(_ account: AccountID) -> LedgerQuestion<Bool> {
        LedgerQuestion(removing, [.value(account.utf8)]) { $0.affected == 1 }
    }
}
