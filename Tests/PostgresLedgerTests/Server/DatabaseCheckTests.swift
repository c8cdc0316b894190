import PrivateDatabase
import Testing

@testable import PostgresLedger

extension ServerTests {
    /// What `check --live` says of a database.
    @Suite struct DatabaseCheckTests {
        private func findings(
            _ role: String, durable: Bool = true, database: String = "ledger"
        ) async throws -> [DatabaseCheck.Finding] {
            try await DatabaseCheck.findings(
                configuration(OnAServer.server.url(role, database: database)), durable: durable)
        }

        private func details(_ findings: [DatabaseCheck.Finding], _ kind: DatabaseCheck.Finding.Kind) -> String {
            findings.filter { $0.kind == kind }.map(\.detail).joined(separator: "\n")
        }

        @Test func anOrdinaryRoleHearsWhatIsSlowAndWhatCannotBeSeen() async throws {
            let found = try await findings("worker")
            let good = details(found, .good)
            #expect(good.contains("as worker, PostgreSQL 1") && good.contains("no pooler stands before it"), "\(good)")
            #expect(good.contains("cannot tell whether a synchronous standby (nobody_there)"), "\(good)")
            #expect(good.contains("the database's clock is "))
            let warnings = details(found, .warning)
            #expect(warnings.contains("cannot tell whether somebody's transaction"), "\(warnings)")
            #expect(warnings.contains("GRANT pg_read_all_stats TO worker"), "\(warnings)")
            #expect(warnings.contains("fsync is off"), "that of tests is: \(warnings)")
            #expect(warnings.contains("enable_seqscan = off") && warnings.contains("force_generic_plan"))
            for name in ["lock_timeout", "idle_in_transaction_session_timeout"] {
                #expect(warnings.contains("\n\(name) is "), "\(name): \(warnings)")
            }
            #expect(warnings.contains("tcp_keepalives_idle = 10") == (try isOverTCP()), "\(warnings)")
            #expect(details(found, .fault) == "")
        }

        private func isOverTCP() throws -> Bool {
            try PostgresURL(OnAServer.server.url("worker", database: "ledger")).hosts[0].reach != .socket
        }

        @Test func ofARoleWithPinnedPlansAndTheRightToLookNothingIsSaid() async throws {
            let server = try OnAServer.server
            try await server.run(
                """
                CREATE ROLE pinned LOGIN; GRANT pg_read_all_stats TO pinned;
                ALTER ROLE pinned SET enable_seqscan = off; ALTER ROLE pinned SET enable_hashjoin = off;
                ALTER ROLE pinned SET enable_mergejoin = off; ALTER ROLE pinned SET jit = off;
                ALTER ROLE pinned SET plan_cache_mode = force_generic_plan;
                ALTER ROLE pinned SET synchronous_commit = off;
                """)
            for setting in RoleSetting.allCases where !RoleSetting.plans.contains(setting) {
                let isKnown = try await server.run(
                    "SELECT count(*) FROM pg_settings WHERE name = '\(setting.rawValue)'")
                guard isKnown == "1", setting != .synchronousCommit else { continue }
                try await server.run("ALTER ROLE pinned SET \(setting.rawValue) = '\(setting.wanted)'")
            }
            let found = try await findings("pinned")
            #expect(details(found, .good).contains("the role's plans are pinned"))
            #expect(details(found, .good).contains("the role sees other sessions and standbys"))
            #expect(details(found, .good).contains("the role's time-outs and keepalives are set"), "\(found)")
            #expect(details(found, .warning).contains("no standby of nobody_there is synchronous now"))
        }

        /// As `pg_settings` has them: milliseconds, and seconds for the keepalives.
        @Test(arguments: [
            ("lock_timeout", "1000", "0"), ("lock_timeout", "5000", "5001"),
            ("idle_in_transaction_session_timeout", "10000", "0"),
            ("idle_in_transaction_session_timeout", "60000", "90000"), ("transaction_timeout", "60000", "0"),
            ("deadlock_timeout", "100", "1000"),
        ])
        func eachTimeHasAMostAndNeverIsBeyondIt(_ name: String, _ good: String, _ bad: String) {
            #expect(RoleSetting.problems([name: good]) == [])
            let problems = RoleSetting.problems([name: bad])
            #expect(problems.count == 1 && problems[0].hasPrefix("\(name) is "), "\(problems)")
        }

        @Test func keepalivesCountTogetherAndNotOverASocket() {
            func problems(_ idle: Int, _ interval: Int, _ count: Int) -> [String] {
                RoleSetting.problems([
                    "tcp_keepalives_idle": "\(idle)", "tcp_keepalives_interval": "\(interval)",
                    "tcp_keepalives_count": "\(count)",
                ])
            }
            #expect(problems(10, 10, 3) == [] && problems(30, 10, 3) == [] && problems(0, 0, 0) == [])
            #expect(problems(7_200, 75, 9).first?.contains("for 7875 s") == true)
            #expect(RoleSetting.problems([:]) == [], "what a release does not know is not missed")
        }

        @Test func whatMayBeLostIsSaidUnlessItMayBe() throws {
            let weak = ["synchronous_commit": "off", "fsync": "on"]
            #expect(DatabaseCheck.durability(weak, durable: true).kind == .warning)
            #expect(DatabaseCheck.durability(weak, durable: false).kind == .good)
            for value in ["on", "local", "remote_write", "remote_apply"] {
                #expect(DatabaseCheck.durability(["synchronous_commit": value], durable: true).kind == .good)
            }
            #expect(DatabaseCheck.durability(["fsync": "off"], durable: true).kind == .warning)
        }

        @Test func standbysWithoutSynchronousOnesAreAWarning() throws {
            func replication(_ names: String, _ states: [String], sees: Bool = true) throws -> DatabaseCheck.Finding {
                let values = states.flatMap { [Array("s".utf8), Array($0.utf8)] as [[UInt8]?] }
                let text = PostgresType.text.oid
                return try DatabaseCheck.replication(
                    ["synchronous_standby_names": names],
                    PostgresRows(columns: [text, text], values: values, affected: states.count), seesStates: sees)
            }
            #expect(try replication("", []).kind == .good)
            #expect(try replication("", ["async"]).kind == .warning)
            #expect(try replication("ANY 1 (a, b)", ["quorum", "quorum"]).detail.hasPrefix("2 standbys"))
            #expect(try replication("a", ["async"]).kind == .warning)
            let few = try replication("ANY 2 (a, b)", ["quorum", "potential"])
            #expect(few.kind == .warning && few.detail.hasPrefix("only 1 of ANY 2 (a, b) is"), "\(few)")
            #expect(try replication("a", [""], sees: false).detail.hasPrefix("cannot tell"))
        }

        @Test func aTableThatTheRoleMayNotWriteIsAFault() async throws {
            let server = try OnAServer.server
            try await server.run("CREATE DATABASE checked")
            try await server.run(
                "CREATE SCHEMA leave_album CREATE TABLE jobs (a int); GRANT USAGE ON SCHEMA leave_album TO worker; "
                    + "GRANT SELECT ON leave_album.jobs TO worker", database: "checked")
            let fault = details(try await findings("worker", database: "checked"), .fault)
            #expect(fault.contains("may not read and write jobs") && fault.contains("--worker-role"), "\(fault)")
        }

        @Test func whoIsNotLetInHearsWhy() async throws {
            let error = await #expect(throws: DatabaseUnreachable.self) { _ = try await findings("nobody") }
            #expect(error?.isRefused == true)
            #expect(error?.description.contains("nobody") == true, "\(String(describing: error))")
        }
    }
}
