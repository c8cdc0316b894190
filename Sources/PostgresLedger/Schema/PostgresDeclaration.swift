package import Ledger

/// Making of the schema, by the role that owns it. The daemon's own role alters nothing.
package enum PostgresDeclaration {
    /// What was done.
    package struct Outcome: Equatable, Sendable {
        /// Host and database.
        package var place: String
        /// Of the schema that was there; nil: there was none.
        package var versionBefore: Int?
        package var version: Int
        /// The worker's role, if it was granted what it needs.
        package var grantedTo: String?
        /// Whether that role may read what others do in the database, which `check --live` looks at. Nil: it was not
        /// asked for.
        package var grantsStatistics: Bool?
        /// Of the worker's role; nil: nobody was said to be it.
        package var settings: RoleSettings?
    }

    /// A ledger's schema, as the database has it.
    package struct Schema: Equatable, Sendable {
        package var version: Int
        package var compatibleWith: Int
        package var program: String
    }

    static let timeout = Duration.seconds(30)

    /// Makes the schema, or brings it up to date, and grants `workerRole` what a worker needs. It blocks: not for a task.
    /// Running it again, or twice at once, does no harm.
    ///
    /// `worksItself`: the role that declares is the daemons' own, and has their settings unless another is named.
    ///
    /// - Throws: `.unusable` for what an operator has to correct, `.unavailable` if the database is away.
    package static func declare(
        _ configuration: PostgresConfiguration, workerRole: String? = nil, worksItself: Bool = false,
        program: String = "leave-albumd"
    ) throws(LedgerError) -> Outcome {
        try declare(
            configuration, workerRole: workerRole, worksItself: worksItself, program: program,
            steps: PostgresSchema.steps)
    }

    static func declare(
        _ configuration: PostgresConfiguration, workerRole: String?, worksItself: Bool = false, program: String,
        steps: [[String]], compatibleWith: Int = PostgresSchema.compatibleWith
    ) throws(LedgerError) -> Outcome {
        var connection = try LedgerOpening.connect(configuration)
        do throws(PostgresError) {
            var found = try version(&connection)
            let before = found
            while (found ?? 0) < steps.count {
                let number = (found ?? 0) + 1
                let oldest = number < steps.count ? number : compatibleWith
                do throws(PostgresError) {
                    try run(step(number, steps[number - 1], program, compatibleWith: oldest), &connection)
                    found = number
                } catch {
                    // Somebody else may have made it meanwhile.
                    let now = try version(&connection)
                    guard (now ?? 0) >= number else { throw error }
                    found = now
                }
            }
            var outcome = Outcome(
                place: connection.endpoint, versionBefore: before, version: found ?? 0, grantedTo: workerRole)
            if let workerRole { outcome.grantsStatistics = try grant(workerRole, &connection) }
            if workerRole != nil || worksItself { outcome.settings = try set(of: workerRole, &connection) }
            return outcome
        } catch {
            throw LedgerOpening.refusal(error)
        }
    }

    /// The schema that is there, nil if none. It blocks: not for a task.
    package static func schema(_ configuration: PostgresConfiguration) throws(LedgerError) -> Schema? {
        var connection = try LedgerOpening.connect(configuration)
        do throws(PostgresError) {
            guard try version(&connection) != nil else { return nil }
            let found = try LedgerIdentity.read(&connection, within: timeout)
            return Schema(version: found.version, compatibleWith: found.compatibleWith, program: found.program)
        } catch {
            throw LedgerOpening.refusal(error)
        }
    }

    // MARK: Steps

    /// One transaction. Its last statement fails unless the step was the next one: then all of it is undone.
    private static func step(
        _ number: Int, _ statements: [String], _ program: String, compatibleWith: Int
    ) -> PostgresBatch {
        var batch = PostgresBatch()
        let claim = PostgresStatement(
            "claim_step_\(number)",
            """
            WITH step AS (UPDATE leave_album.cluster
            SET schema = $1, compatible_with = $2, program = $3 WHERE schema = $1 - 1 RETURNING 1)
            SELECT 1 / count(*) FROM step
            """, [.int4, .int4, .text])
        let parameters: [PostgresParameter] = [
            .value(Int32(number)), .value(Int32(compatibleWith)), .value(program),
        ]
        // The row is locked before anything is altered, but by the step that makes it.
        if number > 1 { batch.add(claim, parameters) }
        for (index, text) in statements.enumerated() {
            batch.add(PostgresStatement("step_\(number)_\(index)", text))
        }
        if number == 1 { batch.add(claim, parameters) }
        return batch
    }

    private static let exists = PostgresStatement(
        "schema_exists", "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'leave_album')")

    private static func version(_ connection: inout PostgresConnection) throws(PostgresError) -> Int? {
        let rows = try run(exists, &connection)
        guard (try? rows.value(0, 0, as: Bool.self)) == true else { return nil }
        return try LedgerIdentity.read(&connection, within: timeout).version
    }

    @discardableResult
    static func run(
        _ batch: PostgresBatch, _ connection: inout PostgresConnection
    ) throws(PostgresError) -> [PostgresRows] {
        try connection.run(batch, within: timeout).rows()
    }

    private static func run(
        _ statement: PostgresStatement, _ connection: inout PostgresConnection
    ) throws(PostgresError) -> PostgresRows {
        var batch = PostgresBatch()
        batch.add(statement)
        return try run(batch, &connection)[0]
    }
}
