import Clocks
import Ledger

/// The rows that the members share besides the jobs. They are changed as they were loaded, or not at all: what is made of
/// them is decided in `ClusterState` and `DayAllotments`.
enum ClusterStatements {
    private static let loading = PostgresStatement(
        "load_cluster",
        """
        SELECT version, CASE WHEN version = $1 THEN NULL ELSE shared END, now(),
        (SELECT coalesce(array_agg(epoch::bigint), '{}') FROM leave_album.instances WHERE \(MemberStatements.isLive))
        FROM leave_album.cluster
        """, [.int8])

    struct Found: Sendable {
        /// Nil if its version is the one that is known.
        var state: ClusterState?
        /// Of which this program may not know all.
        var stored: [UInt8]
        var alive: Set<Int64>
        var now: Timestamp
    }

    static func load(since version: Int64) -> LedgerQuestion<Found> {
        LedgerQuestion(loading, [.value(version)]) { rows throws(PostgresDecodingError) in
            let alive: [Int64?] = try rows.array(0, 3)
            return Found(
                state: try decodeState(rows), stored: try rows.valueIfAny(0, 1) ?? [],
                alive: Set(alive.compactMap { $0 }), now: try rows.time(0, 2))
        }
    }

    /// For one who asks more at once.
    static let loadingNow: (PostgresStatement, [PostgresParameter]) = (loading, [.value(Int64(-1))])

    /// Of an answer to `loadingNow`, or to one like it: nil if the version is the one that was known.
    static func decodeState(_ rows: PostgresRows) throws(PostgresDecodingError) -> ClusterState? {
        let found: Int64 = try rows.value(0, 0)
        guard let bytes: [UInt8] = try rows.valueIfAny(0, 1) else { return nil }
        guard let state = ClusterState(json: bytes, version: found) else {
            throw PostgresDecodingError(row: 0, column: 1, problem: "is no state of a cluster")
        }
        return state
    }

    private static let saving = PostgresStatement(
        "save_cluster",
        """
        UPDATE leave_album.cluster SET version = version + 1, shared = $2, written_as = $4 WHERE version = $1
        AND EXISTS (SELECT 1 FROM leave_album.instances WHERE epoch = $3 AND \(MemberStatements.isLive))
        """, [.int8, .bytea, .int4, .int8])
    private static let findingSaved = PostgresStatement(
        "find_saved_cluster", "SELECT 1 FROM leave_album.cluster WHERE version = $1 + 1 AND written_as = $2",
        [.int8, .int8])

    /// Whether the version was still the one that was loaded, and the member is one. The batch that it is in runs again if
    /// its commit was in doubt, and finds its own work then: by a number of its own, because two changes of one member may
    /// come to the same state.
    static func save(_ state: [UInt8], over version: Int64, by epoch: Int) -> LedgerQuestion<Bool> {
        let number = Int64.random(in: .min ... .max)
        return LedgerQuestion(
            steps: [
                (
                    saving,
                    [
                        .value(version), .value(state), .value(Int32(clamping: epoch)), .value(number),
                    ]
                ),
                (findingSaved, [.value(version), .value(number)]),
            ], place: .cluster
        ) { Array($0)[1].count == 1 }
    }

    // MARK: Acknowledging

    private static let acknowledging = PostgresStatement(
        "acknowledge",
        """
        UPDATE leave_album.instances SET seen_version = $2
        WHERE epoch = $1 AND (seen_version IS NULL OR seen_version < $2)
        """, [.int4, .int8])

    static func acknowledge(_ version: Int64, by epoch: Int) -> LedgerQuestion<Void> {
        LedgerQuestion(acknowledging, [.value(Int32(clamping: epoch)), .value(version)], place: .members) { _ in }
    }

    private static let findingBehind = PostgresStatement(
        "find_behind",
        """
        SELECT name, epoch FROM leave_album.instances WHERE \(MemberStatements.isLive) AND seen_version < $1 ORDER BY epoch
        """, [.int8])

    static func membersBehind(_ version: Int64) -> LedgerQuestion<[MemberIdentity]> {
        LedgerQuestion(findingBehind, [.value(version)]) { rows throws(PostgresDecodingError) in
            var members: [MemberIdentity] = []
            for row in 0..<rows.count {
                members.append(MemberIdentity(name: try rows.value(row, 0), epoch: try rows.int(row, 1)))
            }
            return members
        }
    }

    // MARK: The day

    /// What a dead member had under way when it was said to be dead may still be committed within that.
    private static let settling = Duration.seconds(20)

    struct Day: Sendable {
        var allotments: DayAllotments
        /// Of which this program may not know all.
        var stored: [UInt8]
        var spent: [Int64: Int]
        var alive: Set<Int64>
    }

    private static let loadingDay = PostgresStatement(
        "load_day", "SELECT revision, allotments FROM leave_album.days WHERE day = $1", [.text])
    private static let loadingSpent = PostgresStatement(
        "load_spent",
        """
        SELECT epoch::bigint, (calls + probes)::bigint FROM leave_album.day_shares WHERE day = $1
        """, [.text])
    private static let loadingSpenders = PostgresStatement(
        "load_spenders",
        """
        SELECT epoch::bigint FROM leave_album.instances
        WHERE \(MemberStatements.isLive) OR ended >= now() - \(settling.milliseconds) * interval '1 millisecond'
        """)

    // In this order: whoever is not alive by the second statement spends nothing more after it, and the last sees it all.
    static func load(day: String) -> LedgerQuestion<Day> {
        LedgerQuestion(steps: [
            (loadingDay, [.value(day)]), (loadingSpenders, []), (loadingSpent, [.value(day)]),
        ]) { answers throws(PostgresDecodingError) in
            let rows = Array(answers)
            var allotments = DayAllotments()
            var stored: [UInt8] = []
            if rows[0].count > 0 {
                stored = try rows[0].value(0, 1)
                guard let read = DayAllotments(json: stored, revision: try rows[0].value(0, 0)) else {
                    throw PostgresDecodingError(row: 0, column: 1, problem: "are no allotments of a day")
                }
                allotments = read
            }
            var alive: Set<Int64> = []
            for row in 0..<rows[1].count { alive.insert(try rows[1].value(row, 0)) }
            var spent: [Int64: Int] = [:]
            for row in 0..<rows[2].count { spent[try rows[2].value(row, 0)] = try rows[2].long(row, 1) }
            return Day(allotments: allotments, stored: stored, spent: spent, alive: alive)
        }
    }

    // What the member itself has been allotted stands beside what it has spent: no claim of its own goes beyond that.
    private static let savingDay = PostgresStatement(
        "save_day",
        """
        WITH saved AS (INSERT INTO leave_album.days AS d (day, revision, allotments)
        SELECT $1, $3, $4 WHERE EXISTS (SELECT 1 FROM leave_album.instances WHERE epoch = $5 AND \(MemberStatements.isLive))
        AND ($2 = 0 OR EXISTS (SELECT 1 FROM leave_album.days WHERE day = $1))
        ON CONFLICT (day) DO UPDATE SET revision = excluded.revision, allotments = excluded.allotments
        WHERE d.revision = $2 RETURNING day)
        INSERT INTO leave_album.day_shares AS s (day, epoch, allotted, at) SELECT day, $5, $6, now() FROM saved
        ON CONFLICT (day, epoch) DO UPDATE SET allotted = excluded.allotted
        """, [.text, .int8, .int8, .bytea, .int4, .int8])

    /// Whether the revision was still the one that was loaded, and the member is one. After a commit in doubt the answer
    /// may be no though it was written: what is loaded then has it, and the request is met.
    static func save(
        _ allotments: DayAllotments, of day: String, over found: Day, by epoch: Int
    ) -> LedgerQuestion<Bool> {
        LedgerQuestion(
            savingDay,
            [
                .value(day), .value(found.allotments.revision), .value(allotments.revision),
                .value(allotments.json(over: found.stored)),
                .value(Int32(clamping: epoch)), .value(Int64(allotments.shares[Int64(epoch)]?.allotted ?? 0)),
            ], place: .days
        ) { $0.affected == 1 }
    }
}
