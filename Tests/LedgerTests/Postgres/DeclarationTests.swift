import Concurrency
import Jobs
import LedgerDatabase
import PrivateDatabase
import ScriptedPeer
import Testing

@testable import Ledger
@testable import PostgresLedger

/// The schema is made by its owner, and whatever is wrong with a ledger is one line that says what to do.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct DeclarationTests {
    /// A database without a schema.
    private struct Empty {
        let server: PrivateDatabase
        let name: String

        init(_ name: String) async throws {
            server = try WithADatabase.server
            self.name = "empty_\(name)"
            try await server.run("CREATE DATABASE \(self.name)")
        }

        func configuration(_ role: String = LedgerServer.owner) throws -> PostgresConfiguration {
            try LedgerServer.configuration(of: server, database: name, as: role)
        }

        func declare(
            as role: String = LedgerServer.owner, for worker: String? = nil, worksItself: Bool = false,
            contracts: Bool = false, steps: [SchemaStep] = PostgresSchema.steps
        ) async throws -> PostgresDeclaration.Outcome {
            let configuration = try configuration(role)
            return try await onThread {
                try PostgresDeclaration.declare(
                    configuration, workerRole: worker, worksItself: worksItself, contracts: contracts,
                    program: "leave-albumd test", steps: steps)
            }
        }

        func run(_ sql: String) async throws -> String { try await server.run(sql, database: name) }
    }

    private func refusal(_ configuration: PostgresConfiguration) async -> LedgerError? {
        do throws(LedgerError) {
            let ledger = try await DatabaseLedger.join(
                configuration, member: MemberDescription(name: "a", version: "1"), durations: SharedDatabase.durations)
            await ledger.close(within: DatabaseLedger.closeTime)
            return nil
        } catch {
            return error
        }
    }

    private func unusable(_ configuration: PostgresConfiguration, _ words: String...) async {
        guard case .unusable(let why)? = await refusal(configuration) else {
            Issue.record("it can be used, or may come to be")
            return
        }
        for word in words { #expect(why.contains(word), "\(why)") }
        #expect(!why.contains("\n"))
    }

    // MARK: Declaring

    @Test func theSchemaIsMadeOnceAndAgainIsNoHarm() async throws {
        let database = try await Empty("once")
        let made = try await database.declare(for: "worker")
        #expect(made.versionBefore == nil && made.version == PostgresSchema.version)
        #expect(made.grantedTo == "worker" && made.grantsStatistics == true)
        let again = try await database.declare()
        #expect(again.versionBefore == PostgresSchema.version && again.grantedTo == nil)
        #expect(await refusal(try database.configuration("worker")) == nil)
        let schema = try await onThread { [configuration = try database.configuration()] in
            try PostgresDeclaration.schema(configuration)
        }
        #expect(schema?.version == PostgresSchema.version && schema?.program == "leave-albumd test")
    }

    @Test func theWorkersRoleIsGivenWhatItHasNoValueOf() async throws {
        let database = try await Empty("settings")
        _ = try await database.run("ALTER ROLE worker IN DATABASE \(database.name) SET lock_timeout = '2s'")
        let made = try await database.declare(for: "worker").settings
        #expect(made?.role == "worker" && made?.refused == [])
        var wanted = Set(RoleSetting.allCases).subtracting([.lockTimeout])
        let release = Int(try await database.run("SHOW server_version_num")) ?? 0
        if release < 170_000 { wanted.remove(.transactionTimeout) }
        #expect(made.map { Set($0.made) } == wanted)
        let findings = try await DatabaseCheck.findings(try database.configuration("worker"), durable: true)
        let said = findings.map(\.detail).joined(separator: "\n")
        #expect(said.contains("plans are pinned") && said.contains("time-outs and keepalives are set"), "\(said)")
        #expect(try await database.declare(for: "worker").settings?.made == [], "again changes nothing")
        #expect(try await database.declare().settings == nil, "nobody is said to be the daemons' role")
        let other = try await Empty("settings_of_another")
        let elsewhere = try await DatabaseCheck.findings(try other.configuration("worker"), durable: true)
        #expect(elsewhere.contains { $0.detail.contains("plans are not pinned") }, "they are this database's alone")
    }

    @Test func whatAnOrdinaryOwnerMayNotGiveIsForAnAdministratorToRun() async throws {
        let server = try WithADatabase.server
        try await server.run("CREATE ROLE plain LOGIN")
        try await server.run("CREATE DATABASE empty_plain OWNER plain")
        let configuration = try LedgerServer.configuration(of: server, database: "empty_plain", as: "plain")
        let forAnother = try await onThread {
            try PostgresDeclaration.declare(configuration, workerRole: "worker").settings
        }
        #expect(forAnother?.made == [])
        let statements = forAnother?.refused ?? []
        #expect(
            statements.contains(#"ALTER ROLE "worker" IN DATABASE "empty_plain" SET enable_seqscan = 'off'"#),
            "\(statements)")
        for statement in statements { try await server.run(statement) }
        let own = try await onThread { try PostgresDeclaration.declare(configuration, worksItself: true).settings }
        #expect(own?.role == "plain" && own?.made.contains(.lockTimeout) == true)
        #expect(own?.refused == [#"ALTER ROLE "plain" IN DATABASE "empty_plain" SET deadlock_timeout = '100ms'"#])
    }

    @Test func whatAnAdministratorGrantedBeforeIsNotMissed() async throws {
        let server = try WithADatabase.server
        for name in ["modest", "seeing"] { try await server.run("CREATE ROLE \(name) LOGIN") }
        try await server.run("CREATE DATABASE empty_modest OWNER modest")
        let configuration = try LedgerServer.configuration(of: server, database: "empty_modest", as: "modest")
        func grants() async throws -> Bool? {
            try await onThread {
                try PostgresDeclaration.declare(configuration, workerRole: "seeing").grantsStatistics
            }
        }
        #expect(try await grants() == false, "an owner who is no superuser may not give it")
        try await server.run("GRANT pg_read_all_stats TO seeing")
        #expect(try await grants() == true)
    }

    @Test func whoDeclareAtOnceMakeOneSchema() async throws {
        let database = try await Empty("at_once")
        let versions = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 { group.addTask { try await database.declare(for: "worker").version } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        // Whoever finds a part of it takes that for a schema which daemons work on, and leaves the last step to the first.
        #expect(versions.contains(PostgresSchema.version))
        #expect(versions.allSatisfy { [PostgresSchema.needed, PostgresSchema.version].contains($0) }, "\(versions)")
        #expect(try await database.run("SELECT schema FROM leave_album.cluster") == "\(PostgresSchema.version)")
        #expect(try await database.run("SELECT count(*) FROM leave_album.cluster") == "1")
    }

    @Test func anOlderSchemaIsBroughtUpByStepsAndByOneOfThoseWhoTry() async throws {
        let database = try await Empty("steps")
        _ = try await database.declare()
        let steps = PostgresSchema.steps + [.expands(["ALTER TABLE leave_album.jobs ADD COLUMN added int"])]
        let befores = try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<3 { group.addTask { try await database.declare(steps: steps).versionBefore } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(befores.contains(PostgresSchema.version))
        #expect(try await database.run("SELECT schema FROM leave_album.cluster") == "\(PostgresSchema.version + 1)")
        #expect(await refusal(try database.configuration()) == nil, "it says that this program may work beside it")
    }

    @Test func aStepThatFailsLeavesNothing() async throws {
        let database = try await Empty("failing")
        _ = try await database.declare()
        let steps =
            PostgresSchema.steps
            + [.expands(["CREATE TABLE leave_album.half (a int)", "CREATE TABLE leave_album.jobs ()"])]
        await #expect(throws: LedgerError.self) { try await database.declare(steps: steps) }
        #expect(try await database.run("SELECT schema FROM leave_album.cluster") == "\(PostgresSchema.version)")
        #expect(try await database.run("SELECT to_regclass('leave_album.half') IS NULL") == "t")
    }

    // MARK: What is refused

    @Test func noSchemaAnOlderOneANewerOneAndAnothersAreDistinguished() async throws {
        let database = try await Empty("versions")
        let configuration = try database.configuration()
        await unusable(configuration, "no ledger", "ledger declare", database.name)
        _ = try await database.declare()
        _ = try await database.run("UPDATE leave_album.cluster SET schema = 0")
        await unusable(configuration, "schema version 0", "needs \(PostgresSchema.needed)", "ledger declare")
        _ = try await database.run(
            "UPDATE leave_album.cluster SET schema = 9, compatible_with = 9, program = 'leave-albumd 9.0'")
        await unusable(configuration, "schema version 9", "install leave-albumd 9.0")
        _ = try await database.run("UPDATE leave_album.cluster SET compatible_with = 1, move = 'split 1 2 3 4'")
        await unusable(configuration, "in a move", "knows nothing")
        _ = try await database.run("ALTER TABLE leave_album.cluster RENAME COLUMN program TO other")
        await unusable(configuration, "another program")
    }

    @Test func whatTheRoleMayNotDoIsNamed() async throws {
        let database = try await Empty("rights")
        _ = try await database.declare()
        await unusable(try database.configuration("worker"), "--worker-role")
        _ = try await database.declare(for: "worker")
        _ = try await database.run("REVOKE UPDATE ON leave_album.jobs, leave_album.results FROM worker")
        await unusable(try database.configuration("worker"), "UPDATE on jobs, UPDATE on results", "--worker-role")
        await #expect(throws: LedgerError.self, "who owns nothing makes nothing") {
            try await database.declare(
                as: "worker",
                steps: PostgresSchema.steps + [.expands(["ALTER TABLE leave_album.jobs ADD COLUMN added int"])])
        }
    }

    @Test func whoeverCannotLogInHearsWhyAndWhoeverFindsNobodyMayWait() async throws {
        let server = try WithADatabase.server
        await unusable(
            try LedgerServer.configuration(of: server, database: "nowhere"), "nowhere", "does not exist")
        await unusable(try LedgerServer.configuration(of: server, database: "postgres", as: "nobody"), "nobody")
        try await RawPort.refusing { port in
            let configuration = try PostgresConfiguration(PostgresURL("postgresql://worker@127.0.0.1:\(port)/ledger"))
            guard case .unavailable? = await refusal(configuration) else {
                Issue.record("it may come to be")
                return
            }
        }
    }

    @Test func aStandbyAloneIsNoLedgerToWaitForAndOfSeveralOneMayTakeWritesLater() async throws {
        let database = try await Empty("readonly")
        _ = try await database.declare()
        _ = try await database.run("ALTER DATABASE \(database.name) SET default_transaction_read_only = on")
        await unusable(try database.configuration(), "takes no writes", "primary")
        let host = "127.0.0.1:\(try WithADatabase.server.port)"
        let several = try PostgresConfiguration(
            PostgresURL("postgresql://\(LedgerServer.owner)@\(host),\(host)/\(database.name)"))
        guard case .unavailable(let text)? = await refusal(several) else {
            Issue.record("there is no primary just now")
            return
        }
        #expect(text.contains("takes no writes"))
    }
}
