import Clocks

/// Making of an index beside those who write: they wait for none of it. Cut off, it leaves one that is not valid, which the
/// next one removes. https://www.postgresql.org/docs/15/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
extension PostgresDeclaration {
    /// Reading of the table, and waiting for the longest transaction that is under way, such as a dump.
    private static let indexTimeout = Duration.seconds(6 * 3_600)

    private static let looking = PostgresStatement(
        "find_index",
        """
        SELECT i.indisvalid, EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
        FROM pg_index i WHERE i.indexrelid = to_regclass('leave_album.' || $1)
        """, [.text])

    private static let pausing = PostgresStatement("pause_for_index", "SELECT 1 FROM pg_sleep(0.2)")

    /// Nothing else is in its transaction, and it waits for others as long as they take.
    static func make(_ index: SchemaStep.Index, _ connection: inout PostgresConnection) throws(PostgresError) {
        let creating = PostgresStatement(
            "make_\(index.name)", "CREATE INDEX CONCURRENTLY \(index.name) ON \(index.definition)")
        let dropping = PostgresStatement(
            "drop_\(index.name)", "DROP INDEX CONCURRENTLY IF EXISTS leave_album.\(index.name)")
        try run(
            PostgresStatement("wait_for_others", "SELECT set_config('lock_timeout', '0', false)"), &connection)
        making: while true {
            switch try state(of: index, &connection) {
            case .missing:
                do throws(PostgresError) {
                    try run(creating, &connection, within: indexTimeout)
                } catch {
                    guard error.isOfAnotherMaker else { throw error }
                    try run(pausing, &connection)
                }
            case .leftUnfinished: try run(dropping, &connection, within: indexTimeout)
            case .beingMade: try run(pausing, &connection)
            case .made: break making
            }
        }
        try run(PostgresStatement("wait_no_longer", "RESET lock_timeout"), &connection)
    }

    private enum IndexState {
        case missing
        case beingMade
        case leftUnfinished
        case made
    }

    private static func state(
        of index: SchemaStep.Index, _ connection: inout PostgresConnection
    ) throws(PostgresError) -> IndexState {
        var batch = PostgresBatch()
        batch.add(looking, [.value(index.name)])
        let rows = try run(batch, &connection)[0]
        guard rows.count > 0 else { return .missing }
        do throws(PostgresDecodingError) {
            if try rows.value(0, 0) { return .made }
            return try rows.value(0, 1) ? .beingMade : .leftUnfinished
        } catch {
            throw PostgresError(
                kind: .fault, endpoint: connection.endpoint, attempted: "looking for index \(index.name)",
                message: "\(error)")
        }
    }
}

extension PostgresError {
    /// Somebody makes the same at the same time: the name is taken, or has just been; or each waited for the other.
    fileprivate var isOfAnotherMaker: Bool { ["42P07", "23505", "40P01"].contains(state) }
}
