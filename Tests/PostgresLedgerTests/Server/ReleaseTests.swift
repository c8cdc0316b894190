import Concurrency
import PrivateDatabase
import Testing

@testable import PostgresLedger

extension ServerTests {
    /// However a connection ends, its socket is closed and the server's session with it.
    @Suite struct ReleaseTests {
        @Test func nothingOfAConnectionIsLeft() async throws {
            let server = try OnAServer.server
            try await server.run("CREATE ROLE released LOGIN")
            let good = server.url("released")
            for url in [server.url("released", database: "no_such_database"), server.url("no_such_role")] {
                for _ in 0..<10 { #expect(try await failure(configuration(url)).kind == .refusedConfiguration) }
            }
            for _ in 0..<10 {
                // In order; with a batch under way; after a failure; given up.
                _ = try await connected(configuration(good)) { connection in try connection.run("one", "SELECT 1") }
                try await connected(configuration(good)) { connection in
                    var batch = PostgresBatch()
                    batch.add(PostgresStatement("sleep", "SELECT pg_sleep(0.05)"))
                    try connection.begin(batch, within: answerTime)
                }
                try await connected(configuration(good)) { connection in
                    _ = try thrown { () throws(PostgresError) in try connection.run("none", "SELECT 1 / 0") }
                }
                try await connected(configuration(good)) { connection in
                    _ = try thrown { () throws(PostgresError) in
                        try connection.run("late", "SELECT pg_sleep(2)", within: .milliseconds(1))
                    }
                }
            }
            #expect(try await sessions(server) == 0)
        }

        /// This process's sockets to the server that belong to the role's sessions, once those that were given up have
        /// seen it.
        private func sessions(_ server: PrivateDatabase) async throws -> Int {
            var count = -1
            for _ in 0..<1_000 where count != 0 {
                let text = try await server.run("SELECT count(*) FROM pg_stat_activity WHERE usename = 'released'")
                count = Int(text) ?? -1
            }
            return count
        }
    }
}
