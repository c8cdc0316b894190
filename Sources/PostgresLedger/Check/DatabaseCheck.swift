import CPostgres
package import Clocks
import Concurrency

/// What `check --live` asks a database, on a connection of its own; it changes nothing.
package enum DatabaseCheck {
    /// One thing that was looked at.
    package struct Finding: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case good
            /// It works, and something can be lost, or is slow.
            case warning
            /// The daemon would not work.
            case fault
        }

        package var kind: Kind
        package var detail: String

        package init(_ kind: Kind, _ detail: String) {
            self.kind = kind
            self.detail = detail
        }
    }

    /// Looks at role, settings, rights, replication, pooler and clock of the first host that takes writes.
    ///
    /// - Parameter durable: whether a commit is to survive the loss of power.
    /// - Throws: if no host lets this role in.
    package static func findings(
        _ configuration: PostgresConfiguration, durable: Bool, clock: any TimeSource = SystemTimeSource()
    ) async throws(DatabaseUnreachable) -> [Finding] {
        let result = await NativeThread.offload("check") { () -> Result<[Finding], DatabaseUnreachable> in
            do throws(DatabaseUnreachable) {
                return .success(try look(configuration, durable: durable, clock))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func look(
        _ configuration: PostgresConfiguration, durable: Bool, _ clock: any TimeSource
    ) throws(DatabaseUnreachable) -> [Finding] {
        var last: PostgresError?
        for host in configuration.url.hosts {
            do throws(PostgresError) {
                var connection = try PostgresConnection.open(to: host, configuration, clock: clock)
                return try look(at: &connection, durable: durable, configuration.standbys, clock)
            } catch {
                last = error
            }
        }
        guard let last else { preconditionFailure("a URL has a host") }
        throw DatabaseUnreachable(
            isRefused: last.kind == .refusedConfiguration, description: last.description)
    }

    private static func look(
        at connection: inout PostgresConnection, durable: Bool, _ standbys: StandbyDemand, _ clock: any TimeSource
    ) throws(PostgresError) -> [Finding] {
        var batch = PostgresBatch()
        batch.add(identity)
        batch.add(settings, [.array(settingNames.map { Optional($0) })])
        batch.add(replicas)
        batch.add(rights)
        _ = try connection.run(batch, within: timeout)
        // Once more: only now are all of them prepared, and the time between is that of the answer alone.
        let asked = (clock.now(), clock.wall())
        let rows = try connection.run(batch, within: timeout).rows()
        let took = clock.now() - asked.0
        do throws(PostgresDecodingError) {
            let values = try values(of: rows[1])
            return try [about(rows[0], connection.endpoint), pooler(rows[0], connection.handle)]
                + sight(rows[0]) + plans(values) + times(values) + [durability(values, durable: durable)]
                + replication(values, rows[2], seesStates: rows[0].value(0, 4), standbys)
                + rights(rows[3]) + [offset(rows[0], asked.1 + took / 2, took)]
        } catch {
            throw PostgresError(
                kind: .fault, endpoint: connection.endpoint, attempted: "checking", message: "\(error)")
        }
    }

    private static let timeout = Duration.seconds(10)

    // MARK: What is asked

    private static let identity = PostgresStatement(
        "check_identity",
        """
        SELECT current_user::text, current_setting('server_version'), pg_backend_pid(),
        (extract(epoch from clock_timestamp()) * 1000)::bigint, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
        """)

    private static let settings = PostgresStatement(
        "check_settings", "SELECT name, setting FROM pg_catalog.pg_settings WHERE name = ANY($1)", [.text.array])

    private static let settingNames = RoleSetting.allCases.map(\.rawValue) + ["synchronous_standby_names", "fsync"]

    private static let replicas = PostgresStatement(
        "check_replicas", "SELECT coalesce(application_name, ''), coalesce(sync_state, '') FROM pg_stat_replication")

    private static let rights = PostgresStatement(
        "check_rights",
        """
        SELECT relname::text FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS s ON s.oid = t.relnamespace
        WHERE nspname = 'leave_album' AND relkind IN ('r', 'p')
        AND NOT (has_schema_privilege(s.oid, 'USAGE') AND has_table_privilege(t.oid, 'SELECT')
        AND has_table_privilege(t.oid, 'INSERT') AND has_table_privilege(t.oid, 'UPDATE')
        AND has_table_privilege(t.oid, 'DELETE')) ORDER BY relname
        """)

    private static func values(of rows: PostgresRows) throws(PostgresDecodingError) -> [String: String] {
        var values: [String: String] = [:]
        for row in 0..<rows.count {
            let name: String = try rows.value(row, 0)
            values[name] = try rows.valueIfAny(row, 1)
        }
        return values
    }

    // MARK: What it means

    private static func about(
        _ rows: PostgresRows, _ endpoint: String
    ) throws(PostgresDecodingError) -> Finding {
        let (role, version): (String, String) = (try rows.value(0, 0), try rows.value(0, 1))
        return Finding(.good, "logged in to \(endpoint) as \(role), PostgreSQL \(version)")
    }

    /// A pooler gives a number of its own at the login.
    private static func pooler(
        _ rows: PostgresRows, _ handle: OpaquePointer
    ) throws(PostgresDecodingError) -> Finding {
        let process: Int32 = try rows.value(0, 2)
        guard process == PQbackendPID(handle) else {
            return Finding(.good, "a pooler stands before it")
        }
        return Finding(.good, "no pooler stands before it")
    }

    /// What alerts of the database rest on.
    private static func sight(_ rows: PostgresRows) throws(PostgresDecodingError) -> [Finding] {
        let (role, seesAll): (String, Bool) = (try rows.value(0, 0), try rows.value(0, 4))
        guard !seesAll else { return [Finding(.good, "the role sees other sessions and standbys")] }
        return [
            Finding(
                .warning,
                "cannot tell whether somebody's transaction keeps removed rows, nor in which state a standby is, and no "
                    + "alert comes of either: GRANT pg_read_all_stats TO \(role)")
        ]
    }

    static func plans(_ values: [String: String]) -> [Finding] {
        let loose = RoleSetting.plans.filter { values[$0.rawValue] != $0.wanted }
        guard let first = loose.first else { return [Finding(.good, "the role's plans are pinned")] }
        let wanted = loose.map { "\($0.rawValue) = \($0.wanted)" }.joined(separator: ", ")
        return [
            Finding(
                .warning,
                "the role's plans are not pinned, and the ledger may become several times slower as it grows: "
                    + "set \(wanted) for it by ALTER ROLE (\(first.rawValue) is \(values[first.rawValue] ?? "not known"))"
            )
        ]
    }

    static func times(_ values: [String: String]) -> [Finding] {
        let problems = RoleSetting.problems(values)
        guard !problems.isEmpty else { return [Finding(.good, "the role's time-outs and keepalives are set")] }
        return problems.map { Finding(.warning, $0) }
    }

    /// Only these wait for the flush to a disk.
    private static let flushing: Set = ["on", "local", "remote_write", "remote_apply"]

    static func durability(_ values: [String: String], durable: Bool) -> Finding {
        let commit = values["synchronous_commit"] ?? "not known"
        guard values["fsync"] != "off" else {
            return Finding(.warning, "fsync is off: the database may be damaged by a loss of power")
        }
        guard durable, !flushing.contains(commit) else { return Finding(.good, "synchronous_commit is \(commit)") }
        return Finding(
            .warning,
            "synchronous_commit is \(commit) for this role: a commit may be lost with the server's power, and a job be "
                + "called twice; set it to on, or say ledger.durability = \"normal\"")
    }

    private static func replication(
        _ values: [String: String], _ replicas: PostgresRows, seesStates: Bool, _ standbys: StandbyDemand
    ) throws(PostgresDecodingError) -> [Finding] {
        switch standbys {
        case .any: return [try replication(values, replicas, seesStates: seesStates)]
        case .ignored: return [Finding(.good, "standbys are not looked at: ledger.replication is \"none\"")]
        case .required:
            let shortcoming = StandbyDemand.shortcoming(
                names: values["synchronous_standby_names"] ?? "", commit: values["synchronous_commit"] ?? "")
            if let shortcoming { return [Finding(.fault, shortcoming)] }
            return [try replication(values, replicas, seesStates: seesStates)]
        }
    }

    /// `seesStates`: else the view has rows without a state.
    static func replication(
        _ values: [String: String], _ replicas: PostgresRows, seesStates: Bool
    ) throws(PostgresDecodingError) -> Finding {
        var states: [String] = []
        for row in 0..<replicas.count { states.append(try replicas.value(row, 1)) }
        let names = values["synchronous_standby_names"] ?? ""
        guard names.isEmpty else {
            let synchronous = states.count { $0 == "sync" || $0 == "quorum" }
            if synchronous >= StandbyCount.wanted(by: names) {
                return Finding(.good, "\(synchronous) standbys are synchronous (\(names))")
            }
            guard seesStates else {
                return Finding(
                    .good,
                    "cannot tell whether a synchronous standby (\(names)) is there: grant the role pg_read_all_stats")
            }
            let few = synchronous == 0 ? "no standby of \(names)" : "only \(synchronous) of \(names)"
            return Finding(.warning, "\(few) is synchronous now: commits wait until one more is")
        }
        guard states.isEmpty else {
            return Finding(
                .warning,
                "\(states.count) standbys, and synchronous_standby_names is empty: a failover can lose commits, and jobs be "
                    + "called twice")
        }
        return Finding(.good, "no standby is connected: a failover needs one, and synchronous_standby_names")
    }

    private static func rights(_ rows: PostgresRows) throws(PostgresDecodingError) -> [Finding] {
        var tables: [String] = []
        for row in 0..<rows.count { tables.append(try rows.value(row, 0)) }
        guard !tables.isEmpty else { return [] }
        return [
            Finding(
                .fault,
                "the role may not read and write \(tables.joined(separator: ", ")): "
                    + "`leave-albumd ledger declare --worker-role NAME` grants it")
        ]
    }

    /// Where times begin to look wrong to people; the daemon itself goes by the database's clock.
    private static let noticedOffset = Duration.seconds(5)

    private static func offset(
        _ rows: PostgresRows, _ here: Timestamp, _ took: Duration
    ) throws(PostgresDecodingError) -> Finding {
        let there = Timestamp(milliseconds: try rows.value(0, 3))
        let offset = there - here
        let text = "the database's clock is \(offset.inSeconds) s from this host's, within \(took.inSeconds) s"
        return Finding(offset.magnitude > noticedOffset ? .warning : .good, text)
    }
}

/// Why nothing could be asked of a database.
package struct DatabaseUnreachable: Error, Hashable, Sendable, CustomStringConvertible {
    /// By role, password, certificate or name: waiting does not help.
    package let isRefused: Bool
    package let description: String
}

extension Duration {
    fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}
