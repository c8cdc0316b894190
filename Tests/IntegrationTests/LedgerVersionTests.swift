import Foundation
import PrivateBroker
import Testing

/// An upgrade taken back: the older program finds the newer one's ledger. No broker is needed to say so.
@Suite struct LedgerVersionTests {
    private func run(_ directory: TemporaryDirectory, _ message: String...) async throws -> (
        ending: ChildProcess.Ending?, text: String
    ) {
        try await ChildProcess.run(
            [DaemonHarness.products.appendingPathComponent("leave-albumd").path] + message
                + ["--config", directory.file("d.toml").path])
    }

    private func site() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory("version")
        try directory.write("token", "one-token\n")
        try directory.write(
            "d.toml",
            """
            [broker]
            uris = ["amqp://127.0.0.1:\(freePort())"]
            [credentials]
            providers = ["static"]
            [credentials.static]
            token_file = "\(directory.file("token").path)"
            [ledger]
            path = "\(directory.file("ledger.sqlite3").path)"
            [admin]
            control_socket = "\(directory.file("control.sock").path)"
            """)
        return directory
    }

    private func sql(_ directory: TemporaryDirectory, _ text: String) async throws {
        // What begins with a comment's dashes is no option.
        let (ending, message) = try await ChildProcess.run(
            ["/usr/bin/sqlite3", directory.file("ledger.sqlite3").path, "\n" + text])
        #expect(ending == .exited(0), "\(message)")
    }

    private static let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Ledgers/version-4.sql")

    private static let future = """
        CREATE TABLE leases (x); PRAGMA user_version = 7;
        INSERT OR REPLACE INTO meta VALUES ('schema_program', 'leave-albumd 7.7.7');
        """

    @Test func theDaemonSaysBothVersionsAndExits78WithoutABroker() async throws {
        let directory = try site()
        try await sql(directory, try String(contentsOf: Self.fixture, encoding: .utf8) + Self.future)
        for message in [["run"], ["ledger", "stats"], ["job", "left"], ["ledger", "prune"]] {
            let (ending, text) = try await ChildProcess.run(
                [DaemonHarness.products.appendingPathComponent("leave-albumd").path] + message
                    + ["--config", directory.file("d.toml").path])
            #expect(ending == .exited(78), "\(message): \(text)")
            #expect(text.contains("schema version 7") && text.contains("up to 5"), "\(message): \(text)")
        }
        // Who made it is kept from version 2 on together with who may use it.
        try await sql(directory, "INSERT OR REPLACE INTO meta VALUES ('schema_compatible_with', 6)")
        #expect(try await run(directory, "run").text.contains("install leave-albumd 7.7.7 again"))
    }

    @Test func aNewerLedgerThatSaysItIsCompatibleIsReadAndWritten() async throws {
        let directory = try site()
        try await sql(
            directory,
            try String(contentsOf: Self.fixture, encoding: .utf8) + Self.future
                + "INSERT OR REPLACE INTO meta VALUES ('schema_compatible_with', 4)")
        #expect(try await run(directory, "ledger", "stats").ending == .exited(0))
        #expect(try await run(directory, "ledger", "prune", "--older", "1s").ending == .exited(0))
        #expect(try await run(directory, "ledger", "verify").ending == .exited(0))
        let (_, version) = try await ChildProcess.run(
            ["/usr/bin/sqlite3", directory.file("ledger.sqlite3").path, "PRAGMA user_version"])
        #expect(version == "7\n")
    }
}
