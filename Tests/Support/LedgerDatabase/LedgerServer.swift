package import PostgresLedger
package import PrivateDatabase

/// One PostgreSQL server for whoever in this process needs a ledger on it at the same time, with an empty database that
/// has the schema and that each test gets a copy of.
package actor LedgerServer {
    package static let shared = LedgerServer()

    /// As a daemon logs in, and as whoever owns the schema.
    package static let worker = "worker"
    package static let owner = PrivateDatabase.superuser
    private static let template = "ledger_template"

    private var starting: Task<PrivateDatabase, any Error>?
    private var users = 0
    private var copies = 0

    /// Runs `body` while the server is there. The last one ends it.
    package func with<Value: Sendable>(
        _ body: @Sendable (PrivateDatabase) async throws -> Value
    ) async throws -> Value {
        let server = try await begin()
        do {
            let value = try await body(server)
            await end()
            return value
        } catch {
            await end()
            throw error
        }
    }

    /// The server, until `end`, which whoever gets it calls once.
    package func begin() async throws -> PrivateDatabase {
        users += 1
        let starting = self.starting ?? Task { try await Self.start() }
        self.starting = starting
        do {
            return try await starting.value
        } catch {
            await end()
            throw error
        }
    }

    package func end() async {
        users -= 1
        guard users == 0, let running = starting else { return }
        starting = nil
        await (try? running.value)?.end()
    }

    private static func start() async throws -> PrivateDatabase {
        // Each test has some at once, and all tests run beside each other.
        let server = try await PrivateDatabase(settings: ["max_connections=800", "deadlock_timeout=50ms"])
        do {
            try await server.run("CREATE ROLE \(worker) LOGIN")
            try await server.run("CREATE DATABASE \(template)")
            let configuration = try configuration(of: server, database: template, as: owner)
            try await Task.detached {
                _ = try PostgresDeclaration.declare(configuration, workerRole: worker)
            }.value
        } catch {
            await server.end()
            throw error
        }
        return server
    }

    /// The name of a database that nobody has used.
    package func freshDatabase(on server: PrivateDatabase) async throws -> String {
        copies += 1
        let name = "ledger_\(copies)"
        try await server.run("CREATE DATABASE \(name) TEMPLATE \(Self.template) STRATEGY file_copy")
        return name
    }

    package static func configuration(
        of server: PrivateDatabase, database: String, as role: String = worker
    ) throws -> PostgresConfiguration {
        var configuration = try PostgresConfiguration(
            PostgresURL("postgresql://\(role)@127.0.0.1:\(server.port)/\(database)"))
        // Two busy cores.
        configuration.connectTimeout = .seconds(120)
        return configuration
    }
}
