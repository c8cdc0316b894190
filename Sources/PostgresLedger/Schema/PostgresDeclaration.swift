import Clocks
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
        /// A step that contracts was left for later: it makes that version, and lets in programs from `oldest` on alone.
        package var contraction: Contraction?
        /// The worker's role, if it was granted what it needs.
        package var grantedTo: String?
        /// Whether that role may read what others do in the database, which `check --live` looks at. Nil: it was not
        /// asked for.
        package var grantsStatistics: Bool?
        /// Of the worker's role; nil: nobody was said to be it.
        package var settings: RoleSettings?
    }

    package struct Contraction: Equatable, Sendable {
        package var version: Int
        package var oldest: Int
    }

    /// A ledger's schema, as the database has it.
    package struct Schema: Equatable, Sendable {
        package var version: Int
        package var compatibleWith: Int
        package var program: String
    }

    static let timeout = Duration.seconds(30)

    /// Makes the schema, or brings it up to date, and grants `workerRole` what a worker needs. It blocks: not for a task.
    /// Running it again, or twice at once, does no harm. Daemons that work meanwhile go on: each step is a transaction,
    /// and waits for no lock longer than they can wait behind it.
    ///
    /// `worksItself`: the role that declares is the daemons' own, and has their settings unless another is named.
    /// `contracts`: also the last steps, which this program can do without. No step is made that a live daemon cannot work
    /// with.
    ///
    /// - Throws: `.unusable` for what an operator has to correct, `.unavailable` if the database is away.
    package static func declare(
        _ configuration: PostgresConfiguration, workerRole: String? = nil, worksItself: Bool = false,
        contracts: Bool = false, program: String = "leave-albumd"
    ) throws(LedgerError) -> Outcome {
        try declare(
            configuration, workerRole: workerRole, worksItself: worksItself, contracts: contracts, program: program,
            steps: PostgresSchema.steps)
    }

    static func declare(
        _ configuration: PostgresConfiguration, workerRole: String?, worksItself: Bool = false, contracts: Bool = false,
        program: String, steps: [SchemaStep], lockTries: LockTries = LockTries()
    ) throws(LedgerError) -> Outcome {
        var connection = try LedgerOpening.connect(configuration)
        do throws(PostgresError) {
            var found = try version(&connection)
            let before = found
            // What nobody works with yet is made whole.
            let last = contracts || found == nil ? steps.count : steps.needed
            while (found ?? 0) < last {
                let number = (found ?? 0) + 1
                do throws(PostgresError) {
                    for index in steps[number - 1].indexes { try make(index, &connection) }
                    try make(number, of: steps, program, &connection, lockTries)
                    found = number
                } catch {
                    // Somebody else may have made it meanwhile.
                    let now = try version(&connection)
                    guard (now ?? 0) >= number else { throw error }
                    found = now
                }
            }
            let made = found ?? 0
            var outcome = Outcome(
                place: connection.endpoint, versionBefore: before, version: made, grantedTo: workerRole)
            if made < steps.count {
                outcome.contraction = Contraction(
                    version: steps.count, oldest: steps.oldest(after: steps.count))
            }
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

    /// Claims of daemons stand behind the step while it waits for its lock: less than for their own, see `RoleSetting`.
    private static let lockTimeout = "500ms"
    /// How often a step tries for its locks.
    struct LockTries {
        var count = 20
        /// Between two tries, so that who stood behind gets on.
        var pause = Duration.seconds(1)
    }

    private static let limiting = PostgresStatement(
        "limit_lock", "SELECT set_config('lock_timeout', '\(lockTimeout)', true)")

    private static func make(
        _ number: Int, of steps: [SchemaStep], _ program: String, _ connection: inout PostgresConnection,
        _ tries: LockTries
    ) throws(PostgresError) {
        let step = step(number, of: steps, program)
        for _ in 1..<tries.count {
            do throws(PostgresError) {
                try run(step, &connection)
                return
            } catch {
                if error.state == divisionByZero { try refuseForMembers(number, of: steps, &connection) }
                guard error.kind == .retryable else { throw error }
                try run(PostgresStatement("pause", "SELECT 1 FROM pg_sleep(\(tries.pause.inSeconds))"), &connection)
            }
        }
        do throws(PostgresError) {
            try run(step, &connection)
        } catch {
            var error = error
            if error.kind == .retryable {
                error.remedy =
                    "somebody keeps a table of the ledger locked, as a dump does, or a session that was left open: run it "
                    + "again when that is over; daemons go on meanwhile"
            }
            throw error
        }
    }

    /// One transaction. The first statement that finds something in its way fails: then all of it is undone.
    private static func step(_ number: Int, of steps: [SchemaStep], _ program: String) -> PostgresBatch {
        var batch = PostgresBatch()
        batch.add(limiting)
        let claim = PostgresStatement(
            "claim_step_\(number)",
            """
            WITH step AS (UPDATE leave_album.cluster
            SET schema = $1, compatible_with = greatest(compatible_with, $2), program = $3
            WHERE schema = $1 - 1 RETURNING 1) SELECT 1 / count(*) FROM step
            """, [.int4, .int4, .text])
        let oldest = steps.oldest(after: number)
        let parameters: [PostgresParameter] = [
            .value(Int32(number)), .value(Int32(oldest)), .value(program),
        ]
        // The row is locked before anything is altered, but by the step that makes it.
        if number > 1 { batch.add(claim, parameters) }
        if case .contracts = steps[number - 1].kind {
            batch.add(MemberStatements.burying)
            batch.add(demandingNobody, [.value(Int32(oldest))])
        }
        for (index, text) in steps[number - 1].statements.enumerated() {
            batch.add(PostgresStatement("step_\(number)_\(index)", text))
        }
        if number == 1 { batch.add(claim, parameters) }
        return batch
    }

    // MARK: Members that need what a step takes away

    private static let divisionByZero = "22012"
    private static let older = "FROM leave_album.instances WHERE \(MemberStatements.isLive) AND schema < $1"

    // After the row of the cluster is locked, which who joins reads and locks too: so that who has joined is seen here,
    // and who has not does not.
    private static let demandingNobody = PostgresStatement(
        "demand_nobody_older", "SELECT 1 / (CASE WHEN EXISTS (SELECT 1 \(older)) THEN 0 ELSE 1 END)", [.int4])
    private static let findingOlder = PostgresStatement(
        "find_older", "SELECT name, epoch, version \(older) ORDER BY epoch", [.int4])

    private static func refuseForMembers(
        _ number: Int, of steps: [SchemaStep], _ connection: inout PostgresConnection
    ) throws(PostgresError) {
        var batch = PostgresBatch()
        batch.add(findingOlder, [.value(Int32(steps.oldest(after: number)))])
        let rows = try run(batch, &connection)[0]
        var names: [String] = []
        do throws(PostgresDecodingError) {
            for row in 0..<rows.count {
                let (name, version): (String, String) = (try rows.value(row, 0), try rows.value(row, 2))
                names.append("\(name)#\(try rows.int(row, 1)) (\(version))")
            }
        } catch {
            throw PostgresError(
                kind: .fault, endpoint: connection.endpoint, attempted: "asking who works on the ledger",
                message: "\(error)")
        }
        guard !names.isEmpty else { return }
        let lifetime = MemberStatements.lifetime.components.seconds
        throw PostgresError(
            kind: .refusedConfiguration, endpoint: connection.endpoint,
            attempted: "making version \(number) of the ledger's schema",
            message: "daemons work on it that need what this takes away: \(names.joined(separator: ", "))",
            remedy: "upgrade or stop them, and run it again; one that was killed counts as dead after \(lifetime) s")
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

    @discardableResult
    static func run(
        _ statement: PostgresStatement, _ connection: inout PostgresConnection, within timeout: Duration = timeout
    ) throws(PostgresError) -> PostgresRows {
        var batch = PostgresBatch()
        batch.add(statement)
        return try connection.run(batch, within: timeout).rows()[0]
    }
}
