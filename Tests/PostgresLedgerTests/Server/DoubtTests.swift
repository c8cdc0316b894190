import Concurrency
import PrivateDatabase
import Testing

@testable import PostgresLedger

extension ServerTests {
    /// A real server's answers when a commit waits for its replica, and when the server goes.
    @Suite struct DoubtTests {
        /// What a commit that waits is told, when `sql` is done to its session.
        private func answer(_ sql: String, table: String) async throws -> (error: PostgresError, isUsable: Bool) {
            let server = try OnAServer.server
            async let outcome = connected(configuration(server.url("waiting"))) { connection in
                let error = try thrown { () throws(PostgresError) in
                    try connection.run("make", "CREATE TABLE public.\(table) (a int)")
                }
                return (error, connection.isUsable)
            }
            try await waitsForReplica(server, table)
            try await server.run("SELECT \(sql)(pid) FROM pg_stat_activity WHERE \(Self.waiting(table))")
            return try await outcome
        }

        private static func waiting(_ table: String) -> String {
            "wait_event = 'SyncRep' AND usename = 'waiting' AND query LIKE '%.\(table) (%'"
        }

        private func waitsForReplica(_ server: PrivateDatabase, _ table: String) async throws {
            while try await server.run("SELECT count(*) FROM pg_stat_activity WHERE \(Self.waiting(table))") == "0" {}
        }

        /// The server says that all is well, and warns beside it.
        @Test func aWaitForTheReplicaThatIsEndedLeavesTheCommitInDoubt() async throws {
            let cancelled = try await answer("pg_cancel_backend", table: "cancelled")
            #expect(cancelled.error.kind == .outcomeUnknown && cancelled.error.state == "01000", "\(cancelled.error)")
            #expect(cancelled.isUsable)
            let terminated = try await answer("pg_terminate_backend", table: "terminated")
            #expect(terminated.error.kind == .outcomeUnknown, "\(terminated.error)")
            #expect(terminated.error.state == "57P01")
            #expect(!terminated.isUsable)
            let seen = try await OnAServer.server.run(
                "SELECT count(*) FROM pg_tables WHERE tablename IN ('cancelled', 'terminated')", database: "ledger")
            #expect(seen == "2", "that they can be seen proves nothing")
        }

        @Test func aDeadlineThatPassesWhileACommitWaitsDoesNotEndTheWait() async throws {
            let server = try OnAServer.server
            let error = try await connected(configuration(server.url("waiting"))) { connection in
                try thrown { () throws(PostgresError) in
                    try connection.run("make", "CREATE TABLE public.late (a int)", within: .milliseconds(300))
                }
            }
            #expect(error.kind == .outcomeUnknown, "\(error)")
            let seen = try await server.run(
                "SELECT count(*) FROM pg_tables WHERE tablename = 'late'", database: "ledger")
            #expect(seen == "0", "nobody sees it before its replica has it")
            try await server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE \(Self.waiting("late"))")
        }

        @Test func aSessionThatIsEndedWhileIdleIsNoticedBeforeTheNextBatch() async throws {
            let server = try OnAServer.server
            let error = try await connected(configuration(server.url())) { connection in
                let pid = try connection.run("me", "SELECT pg_backend_pid()").value(0, 0, as: Int32.self)
                let made = try configuration(server.url())
                var other = try PostgresConnection.open(to: made.url.hosts[0], made)
                try other.run("end", "SELECT pg_terminate_backend($1, 10000)", [.value(pid)])
                return try thrown { () throws(PostgresError) in try connection.run("after", "SELECT 1") }
            }
            #expect(error.kind == .unavailable && error.state == "57P01", "\(error)")
        }

        @Test func aServerThatIsKilledLeavesTheOutcomeUnknownAndComesBack() async throws {
            let server = try await PrivateDatabase()
            let url = "postgresql://\(PrivateDatabase.superuser)@127.0.0.1:\(server.port)/postgres"
            try await server.run("CREATE TABLE kept (a int)")
            async let outcome = connected(configuration(url)) { connection in
                try thrown { () throws(PostgresError) in
                    var batch = PostgresBatch()
                    batch.add(PostgresStatement("put", "INSERT INTO kept VALUES (1)"))
                    batch.add(PostgresStatement("sleep", "SELECT pg_sleep(60)"))
                    _ = try connection.run(batch, within: answerTime)
                }
            }
            while try await server.run("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "0" {}
            await server.kill()
            let error = try await outcome
            #expect(error.kind == .outcomeUnknown, "\(error)")
            #expect(try await failure(configuration(url)).kind == .unavailable)
            try await server.start()
            let count = try await connected(configuration(url)) { connection in
                try connection.run("count", "SELECT count(*) FROM kept").value(0, 0, as: Int64.self)
            }
            #expect(count == 0)
            await server.end()
            #expect(try socketsOpen(to: server.port) == 0)
        }
    }
}
