import Clocks
import JSON
import Ledger

/// The rows of `instances`, by the database's clock alone.
enum MemberStatements {
    /// At each, a member says that it is there.
    static let heartbeatInterval = Duration.seconds(5)
    /// Unheard of for so long, a member may be taken for dead: three heartbeats.
    static let lifetime = Duration.seconds(15)

    /// Of a row of `instances`: the member has not ended. Who is overdue and not yet said to be dead may still come back as
    /// the one that it was.
    static let isLive = "state IN (\(names(ClusterMember.State.allCases.filter(\.isLive))))"

    private static func names(_ states: [ClusterMember.State]) -> String {
        states.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    }

    // Whoever declares a step that this program cannot work with, or moves the ledger away, changes that row, and has
    // either this member before it or is before it.
    private static let joining = PostgresStatement(
        "join",
        """
        WITH open AS (SELECT 1 FROM leave_album.cluster
        WHERE compatible_with <= $3 AND (\(MoveStatements.forbidsUse)) IS NOT TRUE FOR SHARE)
        INSERT INTO leave_album.instances
        (name, version, schema, schema_from, settings, started, seen, alive_until, state, report, seen_version)
        SELECT $1, $2, $3, $7, $4::jsonb, now(), now(), now() + $5 * interval '1 millisecond', 'working', '{}', $6
        FROM open RETURNING epoch
        """, [.text, .text, .int4, .text, .int8, .int8, .int4])

    /// `isBack`: it works already, by an older version of what is shared. Whoever begins takes no job before it has looked.
    /// Its answer: nil, if meanwhile the ledger was moved away, or its schema is another one than this program knows.
    /// Whoever moves it keeps the table to itself until that is committed, so that nobody can have joined just before.
    static func join(
        _ member: MemberDescription, isBack: Bool = false, lifetime: Duration = lifetime
    ) -> LedgerQuestion<Int?> {
        LedgerQuestion(
            joining,
            [
                .value(printable(member.name)), .value(printable(member.version)),
                .value(Int32(clamping: PostgresSchema.version)), .value(json(member.settings())),
                .value(lifetime.milliseconds), .value(isBack ? 0 : Int64?.none),
                .value(Int32(clamping: PostgresSchema.needed)),
            ]
        ) { rows throws(PostgresDecodingError) in rows.count == 0 ? nil : try rows.int(0, 0) }
    }

    // The database's clock before it waits for anything.
    private static let moment = PostgresStatement("clock", "SELECT clock_timestamp()")
    private static let beating = PostgresStatement(
        "beat",
        """
        UPDATE leave_album.instances SET seen = now(), alive_until = now() + $2 * interval '1 millisecond',
        report = $3::jsonb, settings = $4::jsonb, state = $5 WHERE epoch = $1 AND \(isLive) RETURNING state
        """, [.int4, .int8, .text, .text, .text])
    // Whoever was taken for dead and comes back has not ended: its open calls are nobody's deaths. That it was heard of
    // after its burial is said as such, and not by when: the burial's transaction may have begun after the one that
    // survives it, or the clock may have been set since. Who does not come back was last heard of a lifetime before.
    private static let surviving = PostgresStatement(
        "survive",
        """
        UPDATE leave_album.instances SET seen = greatest(clock_timestamp(), ended + interval '1 microsecond')
        WHERE epoch = $1 AND state = 'dead'
        """, [.int4])
    /// Of a row of `instances`: the member's process is known to have ended without a word.
    static let hasEnded = "state = 'dead' AND seen <= ended"

    // Whoever has its row locked is just saying that it lives. To wait for that would be a deadlock of two that are overdue
    // and come back in the same moment, as all do when the database does.
    static let burying = PostgresStatement(
        "bury",
        """
        WITH overdue AS MATERIALIZED (SELECT epoch FROM leave_album.instances
        WHERE \(isLive) AND alive_until < now() FOR UPDATE SKIP LOCKED)
        UPDATE leave_album.instances i SET state = 'dead', ended = now() FROM overdue WHERE i.epoch = overdue.epoch
        """)
    private static let leaving = PostgresStatement(
        "leave",
        """
        UPDATE leave_album.instances SET state = '\(ClusterMember.State.gone.rawValue)', seen = now(), ended = now()
        WHERE epoch = $1 AND \(isLive)
        """, [.int4])

    private static let trying = PostgresStatement(
        "commit_trial",
        "UPDATE leave_album.instances SET seen = greatest(seen, now()) WHERE epoch = $1 AND \(isLive)", [.int4])

    /// Whether something was committed: not by who is no member, for nothing is written then.
    static func commitTrial(epoch: Int?) -> LedgerQuestion<Bool> {
        LedgerQuestion(trying, [.value(epoch.map { Int32(clamping: $0) })], place: .members) { $0.affected > 0 }
    }

    static let time = LedgerQuestion(moment) { rows throws(PostgresDecodingError) in try rows.time(0, 0) }

    /// What a heartbeat brings.
    struct Beat: Sendable {
        var isMember: Bool
        var differing: [DifferingSetting]
    }

    /// All that a member says of itself, so that what it could not say while the database was away comes with the next;
    /// and that whoever is overdue is dead.
    static func beat(
        _ member: Membership, isDraining: Bool, lifetime: Duration = lifetime
    ) -> LedgerQuestion<Beat> {
        let epoch = Int32(clamping: member.epoch)
        let state: ClusterMember.State = isDraining ? .draining : .working
        return LedgerQuestion(steps: [
            (
                beating,
                [
                    .value(epoch), .value(lifetime.milliseconds), .value(member.description.report()),
                    .value(json(member.description.settings())), .value(state.rawValue),
                ]
            ), (surviving, [.value(epoch)]), (burying, []), (MemberSettings.differing, [.value(epoch)]),
        ]) { answers throws(PostgresDecodingError) in
            let rows = Array(answers)
            return Beat(isMember: rows[0].count > 0, differing: try MemberSettings.decode(rows[3]))
        }
    }

    static func leave(epoch: Int) -> LedgerQuestion<Void> {
        // Who was taken for dead before it could say so has not died either.
        LedgerQuestion(steps: [leaving, surviving].map { ($0, [.value(Int32(clamping: epoch))]) }) { _ in }
    }

    private static let listing = PostgresStatement(
        "members",
        """
        SELECT epoch, name, version, state, started, seen, report::text,
        (extract(epoch FROM now() - seen) * 1000)::bigint,
        left(encode(sha256(convert_to(settings::text, 'UTF8')), 'hex'), 8), schema_from, schema
        FROM leave_album.instances ORDER BY epoch
        """)

    static func members() -> LedgerQuestion<[ClusterMember]> {
        LedgerQuestion(steps: [(listing, []), ClusterStatements.loadingNow]) {
            answers throws(PostgresDecodingError) in
            let answers = Array(answers)
            let rows = answers[0]
            var members: [ClusterMember] = []
            for row in 0..<rows.count {
                guard let state = ClusterMember.State(rawValue: try rows.value(row, 3)) else {
                    throw PostgresDecodingError(row: row, column: 3, problem: "is no state of a member")
                }
                members.append(
                    ClusterMember(
                        epoch: try rows.int(row, 0), name: try rows.value(row, 1), version: try rows.value(row, 2),
                        state: state, started: try rows.time(row, 4), seen: try rows.time(row, 5),
                        lag: .milliseconds(max(0, try rows.long(row, 7))), settings: try rows.value(row, 8),
                        schema: try Self.schema(rows, row), report: try rows.value(row, 6)))
            }
            members.note(
                paused: Set(try ClusterStatements.decodeState(answers[1])?.pausedMembers.keys.map { $0 } ?? []))
            return members
        }
    }

    private static func schema(_ rows: PostgresRows, _ row: Int) throws(PostgresDecodingError) -> ClosedRange<Int> {
        let newest = try rows.int(row, 10)
        // Programs that do not say the oldest one know no step that is not needed.
        let oldest = try rows.valueIfAny(row, 9, as: Int32.self).map { Int($0) } ?? newest
        return min(oldest, newest)...newest
    }

    // MARK: Texts

    private static func json(_ settings: [String: String]) -> String {
        let members = settings.sorted { $0.key < $1.key }.map {
            JSONValue.Member(printable($0.key), .text(printable($0.value)))
        }
        return String(decoding: JSONValue.object(members).encoded(), as: UTF8.self)
    }
}

/// A text of PostgreSQL, or of its jsonb, takes no zero byte.
func printable(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where scalar.value >= 0x20 && scalar.value != 0x7f { scalars.append(scalar) }
    return String(scalars)
}
