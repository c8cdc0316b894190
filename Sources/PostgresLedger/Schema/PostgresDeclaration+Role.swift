import Ledger

/// What the role of the daemons is given: rights, and its settings in this database.
extension PostgresDeclaration {
    /// The settings of the role that a declaration has looked at.
    package struct RoleSettings: Equatable, Sendable {
        package var role: String
        /// What it was given: each of these had no value of the role's own, which stays as it is.
        package var made: [RoleSetting] = []
        /// What whoever declared may not give, as the statements that an administrator runs.
        package var refused: [String] = []
    }

    /// In one transaction of those that declare at once: two that change the same row of a catalogue would fail.
    private static let alone = PostgresStatement(
        "declare_alone", "SELECT 1 FROM leave_album.cluster WHERE id FOR UPDATE")

    static func grant(
        _ role: String, _ connection: inout PostgresConnection
    ) throws(PostgresError) -> Bool {
        let name = quoted(role)
        try alter(
            [
                "GRANT USAGE ON SCHEMA leave_album TO \(name)",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA leave_album TO \(name)",
            ], "grant", &connection)
        // An administrator may have granted it before; an owner who is none may not even repeat that.
        if try seesStatistics(role, &connection) { return true }
        return try isPermitted("grant_statistics", ["GRANT pg_read_all_stats TO \(name)"], &connection)
    }

    private static let statistics = PostgresStatement(
        "sees_statistics", "SELECT pg_has_role($1::name, 'pg_read_all_stats', 'USAGE')", [.text])

    private static func seesStatistics(
        _ role: String, _ connection: inout PostgresConnection
    ) throws(PostgresError) -> Bool {
        var batch = PostgresBatch()
        batch.add(statistics, [.value(role)])
        let rows = try connection.run(batch, within: timeout).rows()[0]
        do throws(PostgresDecodingError) {
            return try rows.value(0, 0)
        } catch {
            throw PostgresError(
                kind: .fault, endpoint: connection.endpoint, attempted: "reading the role's rights",
                message: "\(error)")
        }
    }

    // MARK: Settings

    private static let missing = PostgresStatement(
        "role_settings",
        """
        SELECT rolname::text, current_database()::text, name FROM pg_catalog.pg_roles
        CROSS JOIN pg_catalog.pg_settings WHERE rolname = coalesce($1, current_user) AND name = ANY($2)
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_db_role_setting AS own, unnest(setconfig) AS entry
        WHERE setrole = pg_roles.oid AND split_part(entry, '=', 1) = name
        AND setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())))
        """, [.text, .text.array])

    /// Gives a role, nil: that of the connection, each setting of which it has no value of its own, for this database
    /// alone. What this release does not know is left out.
    static func set(
        of role: String?, _ connection: inout PostgresConnection
    ) throws(PostgresError) -> RoleSettings {
        var batch = PostgresBatch()
        batch.add(missing, [.value(role), .array(RoleSetting.allCases.map { $0.rawValue })])
        let rows = try connection.run(batch, within: timeout).rows()[0]
        var outcome = RoleSettings(role: role ?? "")
        var statements: [(setting: RoleSetting, text: String)] = []
        do throws(PostgresDecodingError) {
            for row in 0..<rows.count {
                outcome.role = try rows.value(row, 0)
                guard let setting = RoleSetting(rawValue: try rows.value(row, 2)) else { continue }
                let (name, database) = (quoted(outcome.role), quoted(try rows.value(row, 1)))
                statements.append(
                    (
                        setting,
                        "ALTER ROLE \(name) IN DATABASE \(database) SET \(setting.rawValue) = '\(setting.wanted)'"
                    ))
            }
        } catch {
            throw PostgresError(
                kind: .fault, endpoint: connection.endpoint, attempted: "reading the role's settings",
                message: "\(error)")
        }
        for part in [statements.filter { !$0.setting.needsSuperuser }, statements.filter(\.setting.needsSuperuser)] {
            guard !part.isEmpty else { continue }
            let name = part[0].setting.needsSuperuser ? "set_for_superusers" : "set"
            if try isPermitted(name, part.map(\.text), &connection) {
                outcome.made += part.map(\.setting)
            } else {
                outcome.refused += part.map(\.text)
            }
        }
        return outcome
    }

    // MARK: Statements

    /// False: whoever declares may not, and an administrator may.
    private static func isPermitted(
        _ name: String, _ texts: [String], _ connection: inout PostgresConnection
    ) throws(PostgresError) -> Bool {
        do throws(PostgresError) {
            try alter(texts, name, &connection)
            return true
        } catch {
            guard error.state == "42501" else { throw error }
            return false
        }
    }

    private static func alter(
        _ texts: [String], _ name: String, _ connection: inout PostgresConnection
    ) throws(PostgresError) {
        var batch = PostgresBatch()
        batch.add(alone)
        for (number, text) in texts.enumerated() { batch.add(PostgresStatement("\(name)_\(number)", text)) }
        try run(batch, &connection)
    }

    private static func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
}
