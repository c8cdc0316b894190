import Concurrency
import Foundation
import ScriptedPeer
import Testing

@testable import PostgresLedger

extension ServerTests {
    /// What the server's own refusals are to whoever sent the batch.
    @Suite struct StateTests {
        /// The error of a statement, and whether the connection goes on.
        private func error(
            _ sql: String, role: String = "worker", options: String = ""
        ) async throws -> (error: PostgresError, isUsable: Bool) {
            try await connected(configuration(OnAServer.server.url(role, options))) { connection in
                let error = try thrown { () throws(PostgresError) in try connection.run("it", sql) }
                return (error, connection.isUsable)
            }
        }

        @Test func aTableOrASchemaThatIsNotThereIsForTheOperator() async throws {
            let table = try await error("SELECT 1 FROM no_such_table")
            #expect(table.error.kind == .refusedConfiguration && table.error.state == "42P01" && table.isUsable)
            let schema = try await error("CREATE TABLE no_such_schema.t (a int)")
            #expect(schema.error.kind == .refusedConfiguration && schema.error.state == "3F000")
        }

        @Test func aMissingPrivilegeIsForTheOperator() async throws {
            let missing = try await error("CREATE TABLE public.mine (a int)", role: "stranger")
            #expect(missing.error.kind == .refusedConfiguration && missing.error.state == "42501")
            #expect("\(missing.error)".hasSuffix("grant the role what it needs"), "\(missing.error)")
        }

        @Test func aServerThatBecomesReadOnlyIsLeft() async throws {
            let (error, isUsable) = try await connected(configuration(OnAServer.server.url())) { connection in
                let error = try thrown { () throws(PostgresError) in
                    var batch = PostgresBatch()
                    batch.add(PostgresStatement("set", "SELECT set_config('transaction_read_only', 'on', true)"))
                    batch.add(PostgresStatement("make", "CREATE TABLE public.never (a int)"))
                    _ = try connection.run(batch, within: answerTime).rows()
                }
                return (error, connection.isUsable)
            }
            #expect(error.kind == .unavailable && error.state == "25006" && !isUsable, "\(error)")
            let role = try OnAServer.server.url("worker", "?options=-c%20default_transaction_read_only%3Don")
            #expect(try await failure(configuration(role)).state == "25006")
        }

        @Test func aStatementThatTakesTooLongForItsRoleWasUndone() async throws {
            let late = try await error("SELECT pg_sleep(20)", options: "?options=-c%20statement_timeout%3D1000")
            #expect(late.error.kind == .retryable && late.error.state == "57014" && late.isUsable)
        }

        @Test func whoLosesADeadlockMaySendItsBatchAgain() async throws {
            let url = try OnAServer.server.url()
            let table = "deadlock"
            try await connected(configuration(url)) { connection in
                try connection.run("make", "CREATE TABLE \(table) (key int PRIMARY KEY)")
                try connection.run("fill", "INSERT INTO \(table) VALUES (1), (2)")
            }
            // Each takes its own row, waits until the other has, and wants the other's.
            @Sendable func takeBoth(_ first: Int32, _ second: Int32) throws -> PostgresError? {
                let made = try configuration(url)
                var connection = try PostgresConnection.open(to: made.url.hosts[0], made)
                let lock = PostgresStatement(
                    "lock", "SELECT 1 FROM \(table) WHERE key = $1 FOR UPDATE", [.int4])
                var batch = PostgresBatch()
                batch.add(lock, [.value(first)])
                batch.add(PostgresStatement("wait", "SELECT pg_advisory_xact_lock_shared(43)"))
                batch.add(lock, [.value(second)])
                var failures: [PostgresError] = []
                while true {
                    guard let failure = try connection.run(batch, within: answerTime).failure else {
                        return failures.first
                    }
                    failures.append(failure)
                    if failure.kind != .retryable || failures.count > 5 { return failure }
                }
            }
            let isHeld = try RawSignal()
            async let one = onThread {
                try isHeld.wait()
                return try takeBoth(1, 2)
            }
            async let other = onThread {
                try isHeld.wait()
                return try takeBoth(2, 1)
            }
            try await connected(configuration(url)) { holder in
                try holder.run("hold", "SELECT pg_advisory_lock(43)")
                isHeld.fire()
                let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 43 AND NOT granted"
                while try holder.run("look", waits).count < 2 {}
                try holder.run("release", "SELECT pg_advisory_unlock(43)")
            }
            let losers = try await [one, other].compactMap { $0 }
            // Whoever sends it again may overtake the one that it made way for, and make that one the next.
            #expect(!losers.isEmpty, "each wanted what the other had")
            #expect(losers.allSatisfy { $0.state == "40P01" && $0.kind == .retryable }, "\(losers)")
        }

        @Test func whoLosesASerializationMaySendItsBatchAgain() async throws {
            let url = try OnAServer.server.url("worker", "?options=-c%20default_transaction_isolation%3Dserializable")
            let server = try OnAServer.server
            try await connected(configuration(url)) { connection in
                try connection.run("make", "CREATE TABLE serial (key int PRIMARY KEY, value int)")
                try connection.run("fill", "INSERT INTO serial VALUES (1, 0)")
            }
            let isHeld = try RawSignal()
            async let slow = connected(configuration(url)) { connection in
                try isHeld.wait()
                var batch = PostgresBatch()
                batch.add(PostgresStatement("look", "SELECT value FROM serial"))
                batch.add(PostgresStatement("wait", "SELECT pg_advisory_xact_lock_shared(41)"))
                batch.add(PostgresStatement("add", "UPDATE serial SET value = value + 1"))
                return try connection.run(batch, within: answerTime).failure
            }
            // A lock keeps the first in its middle until the second is done.
            try await connected(configuration(server.url())) { holder in
                try holder.run("hold", "SELECT pg_advisory_lock(41)")
                isHeld.fire()
                let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 41 AND NOT granted"
                while try holder.run("look", waits).count == 0 {}
                try holder.run("add", "UPDATE serial SET value = value + 10")
                try holder.run("release", "SELECT pg_advisory_unlock(41)")
            }
            let failure = try await slow
            #expect(failure?.state == "40001" && failure?.kind == .retryable, "\(String(describing: failure))")
        }

        @Test func whoWaitsTooLongForALockMaySendItsBatchAgain() async throws {
            let server = try OnAServer.server
            try await connected(configuration(server.url())) { holder in
                try holder.run("hold", "SELECT pg_advisory_lock(42)")
                let made = try configuration(server.url("worker", "?options=-c%20lock_timeout%3D50"))
                var waiting = try PostgresConnection.open(to: made.url.hosts[0], made)
                let error = try thrown { () throws(PostgresError) in
                    try waiting.run("wait", "SELECT pg_advisory_lock(42)")
                }
                let isUsable = waiting.isUsable
                #expect(error.kind == .retryable && error.state == "55P03" && isUsable)
            }
        }
    }
}
