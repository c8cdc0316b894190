import Ledger

/// What a database says of the ledger in it.
struct LedgerIdentity: Equatable, Sendable {
    /// Made with the schema, and the same in every copy of the database.
    let ledger: [UInt8]
    let version: Int
    /// Programs that know at least this version may work with it.
    let compatibleWith: Int
    /// Name and version of the program that made it what it is.
    let program: String
    /// Of a move that it is in, or has been in.
    let mark: MoveMark?
    /// There is one that this program does not understand.
    var hasUnknownMark = false

    var usesOutboxes: Bool { version >= PostgresSchema.usesOutboxes }

    // Also of a schema that has no such column yet.
    private static let reading = PostgresStatement(
        "identity",
        "SELECT identity, schema, compatible_with, program, to_jsonb(c) ->> 'move' FROM leave_album.cluster c")

    static func read(
        _ connection: inout PostgresConnection, within timeout: Duration
    ) throws(PostgresError) -> LedgerIdentity {
        var batch = PostgresBatch()
        batch.add(reading)
        let rows = try connection.run(batch, within: timeout).rows()[0]
        do throws(PostgresDecodingError) {
            guard rows.count == 1 else { throw PostgresDecodingError(row: 0, column: 0, problem: "is missing") }
            let text: String? = try rows.valueIfAny(0, 4)
            let mark = text.flatMap(MoveMark.init(text:))
            return LedgerIdentity(
                ledger: try rows.value(0, 0), version: try rows.int(0, 1), compatibleWith: try rows.int(0, 2),
                program: try rows.value(0, 3), mark: mark, hasUnknownMark: text != nil && mark == nil)
        } catch {
            throw PostgresError(
                kind: .refusedConfiguration, endpoint: connection.endpoint, attempted: "reading the ledger's schema",
                message: "\(error)", remedy: "it is no ledger of leave-albumd")
        }
    }

    private static let rights = PostgresStatement(
        "rights",
        """
        SELECT coalesce(string_agg(privilege || ' on ' || name, ', '), '')
        FROM unnest($1) name, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
        WHERE NOT has_table_privilege('leave_album.' || name, privilege)
        """, [.text.array])

    /// What the role may not do and has to; empty if all is well.
    static func missingRights(
        _ connection: inout PostgresConnection, within timeout: Duration
    ) throws(PostgresError) -> String {
        var batch = PostgresBatch()
        let tables: [String?] = PostgresSchema.tables
        batch.add(rights, [.array(tables)])
        let rows = try connection.run(batch, within: timeout).rows()[0]
        do throws(PostgresDecodingError) {
            return try rows.value(0, 0)
        } catch {
            throw PostgresError(
                kind: .fault, endpoint: connection.endpoint, attempted: "asking for the role's rights",
                message: "\(error)")
        }
    }

    /// Nil if this program may work with it, else why not and what is to be done.
    ///
    /// - Parameter permitsMoved: for whoever moves ledgers.
    func problem(endpoint: String, permitsMoved: Bool = false) -> String? {
        if !permitsMoved, let refusal = mark?.refusal("the ledger at \(endpoint)") { return refusal }
        let (needed, newest) = (PostgresSchema.needed, PostgresSchema.version)
        if hasUnknownMark {
            return "the ledger at \(endpoint) is in a move, or has been in one, of which this program knows nothing: "
                + "use the program that moves it"
        }
        if version < needed {
            return "the ledger at \(endpoint) has schema version \(version), and this program needs \(needed): run "
                + "`leave-albumd ledger declare` as the schema's owner; daemons that work on it may go on meanwhile"
        }
        guard version > newest, compatibleWith > newest else { return nil }
        return "the ledger at \(endpoint) has schema version \(version), made by \(program), and this program knows "
            + "versions up to \(newest): install \(program) here too"
    }
}
