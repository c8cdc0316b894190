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
        CASE WHEN refresh_until >= now() THEN (extract(epoch FROM refresh_until - now()) * 1000)::bigint END
        """

    private static let finding = PostgresStatement(
        "find_grant", "SELECT \(columns) FROM leave_album.grants WHERE account = $1", [.bytea])

    static func find(_ account: AccountID) -> LedgerQuestion<SealedGrant?> {
        LedgerQuestion(finding, [.value(account.utf8)]) { rows throws(PostgresDecodingError) in
            try decode(rows).first
        }
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
            grants.append(grant)
        }
        return grants
    }

    private static let counting = PostgresStatement("count_grants", "SELECT count(*) FROM leave_album.grants")

    static let count = LedgerQuestion(counting) { rows throws(PostgresDecodingError) in try rows.long(0, 0) }

    // MARK: Refreshing

    // A lease that ended by itself leaves its doubt behind until something is written.
    private static let leasing = PostgresStatement(
        "lease_grant",
        """
        UPDATE leave_album.grants SET in_doubt = in_doubt OR coalesce(refresh_until < now(), false), refresh_fence = $3,
        refresh_until = now() + \(milliseconds("$4"))
        WHERE account = $1 AND version = $2
        AND (refresh_until IS NULL OR refresh_until < now() OR refresh_fence = $3) RETURNING in_doubt
        """, [.bytea, .int8, .int8, .int8])

    static func lease(
        _ account: AccountID, version: Int64, fence: Int64, for time: Duration
    ) -> LedgerQuestion<GrantLease?> {
        LedgerQuestion(
            leasing, [.value(account.utf8), .value(version), .value(fence), .value(time.milliseconds)]
        ) { rows throws(PostgresDecodingError) in
            guard rows.count == 1 else { return nil }
            return GrantLease(isInDoubt: try rows.value(0, 0))
        }
    }

    private static let renewing = PostgresStatement(
        "renew_grant",
        """
        UPDATE leave_album.grants SET refresh_until = now() + \(milliseconds("$3"))
        WHERE account = $1 AND refresh_fence = $2
        """, [.bytea, .int8, .int8])

    static func renew(_ account: AccountID, fence: Int64, for time: Duration) -> LedgerQuestion<Bool> {
        LedgerQuestion(renewing, [.value(account.utf8), .value(fence), .value(time.milliseconds)]) { $0.affected == 1 }
    }

    // The fence stays: whoever does not know whether this was committed writes the same once more.
    private static let saving = PostgresStatement(
        "save_grant",
        """
        UPDATE leave_album.grants SET sealed = $4, version = $5, sealed_access = $6,
        access_until = now() + \(milliseconds("$7")), refresh_until = NULL, in_doubt = false, changed = now()
        WHERE account = $1 AND (refresh_fence = $2 OR version = $3)
        """, [.bytea, .int8, .int8, .bytea, .int8, .bytea, .int8])

    static func save(_ refreshed: RefreshedGrant, as version: Int64) -> LedgerQuestion<Bool> {
        LedgerQuestion(
            saving,
            [
                .value(refreshed.account.utf8), .value(refreshed.fence), .value(refreshed.version),
                .value(refreshed.sealed), .value(version), .value(refreshed.access?.sealed),
                .value(refreshed.access?.timeLeft.milliseconds),
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
