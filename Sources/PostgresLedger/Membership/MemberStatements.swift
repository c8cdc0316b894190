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

    private static let joining = PostgresStatement(
        "join",
        """
        INSERT INTO leave_album.instances
        (name, version, schema, settings, started, seen, alive_until, state, report)
        VALUES ($1, $2, $3, $4::jsonb, now(), now(), now() + $5 * interval '1 millisecond', 'working', '{}')
        RETURNING epoch
        """, [.text, .text, .int4, .text, .int8])

    static func join(_ member: MemberDescription, lifetime: Duration = lifetime) -> LedgerQuestion<Int> {
        LedgerQuestion(
            joining,
            [
                .value(printable(member.name)), .value(printable(member.version)),
                .value(Int32(clamping: PostgresSchema.version)), .value(json(member.settings)),
                .value(lifetime.milliseconds),
            ]
        ) { rows throws(PostgresDecodingError) in try rows.int(0, 0) }
    }

    // The database's clock before it waits for anything.
    private static let moment = PostgresStatement("clock", "SELECT clock_timestamp()")
    private static let beating = PostgresStatement(
        "beat",
        """
        UPDATE leave_album.instances SET seen = now(), alive_until = now() + $2 * interval '1 millisecond',
        report = $3::jsonb WHERE epoch = $1 AND \(isLive) RETURNING state
        """, [.int4, .int8, .text])
    // Whoever was taken for dead and comes back has not ended: its open calls are nobody's deaths.
    private static let surviving = PostgresStatement(
        "survive", "UPDATE leave_album.instances SET seen = now() WHERE epoch = $1 AND state = 'dead'", [.int4])
    private static let burying = PostgresStatement(
        "bury",
        """
        UPDATE leave_album.instances SET state = 'dead', ended = now()
        WHERE \(isLive) AND alive_until < now()
        """)
    private static let changing = PostgresStatement(
        "change_state",
        """
        UPDATE leave_album.instances SET state = $2, seen = now(),
        ended = CASE WHEN $2 = 'gone' THEN now() ELSE ended END
        WHERE epoch = $1 AND \(isLive)
        """, [.int4, .text])

    static let time = LedgerQuestion(moment) { rows throws(PostgresDecodingError) in try rows.time(0, 0) }

    /// A heartbeat, and the word that whoever is overdue is dead. Its answer: whether the member is one.
    static func addBeat(epoch: Int, report: String, lifetime: Duration = lifetime, to batch: inout PostgresBatch) {
        let number = Int32(clamping: epoch)
        batch.add(beating, [.value(number), .value(lifetime.milliseconds), .value(report)])
        batch.add(surviving, [.value(number)])
        batch.add(burying)
    }

    static func change(epoch: Int, to state: ClusterMember.State) -> LedgerQuestion<Void> {
        LedgerQuestion(changing, [.value(Int32(clamping: epoch)), .value(state.rawValue)]) { _ in }
    }

    private static let listing = PostgresStatement(
        "members",
        """
        SELECT epoch, name, version, state, started, seen, report::text FROM leave_album.instances
        ORDER BY epoch
        """)

    static func members() -> LedgerQuestion<[ClusterMember]> {
        LedgerQuestion(listing) { rows throws(PostgresDecodingError) in
            var members: [ClusterMember] = []
            for row in 0..<rows.count {
                guard let state = ClusterMember.State(rawValue: try rows.value(row, 3)) else {
                    throw PostgresDecodingError(row: row, column: 3, problem: "is no state of a member")
                }
                members.append(
                    ClusterMember(
                        epoch: try rows.int(row, 0), name: try rows.value(row, 1), version: try rows.value(row, 2),
                        state: state, started: try rows.time(row, 4), seen: try rows.time(row, 5),
                        report: try rows.value(row, 6)))
            }
            return members
        }
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
private func printable(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where scalar.value >= 0x20 && scalar.value != 0x7f { scalars.append(scalar) }
    return String(scalars)
}
