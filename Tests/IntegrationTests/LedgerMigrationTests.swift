import Clocks
import Foundation
import JSON
import Jobs
import Ledger
import PrivateBroker
import PrivateDatabase
import SQLiteLedger
import Secrets
import Testing

/// `ledger migrate` as an operator runs it, and as a kill ends it. No broker is needed.
@Suite(.timeLimit(.minutes(30))) struct LedgerMigrationTests {
    /// A file with some jobs, a database with none, and settings that name either.
    private struct Site {
        let directory: TemporaryDirectory
        let database: PrivateDatabase
        var url: String { "postgresql://worker@127.0.0.1:\(database.port)/leave_album" }
        var file: String { directory.file("ledger.sqlite3").path }

        init() async throws {
            directory = try TemporaryDirectory("migrate")
            database = try await PrivateDatabase()
            try await database.run("CREATE ROLE worker LOGIN")
            try await database.run("CREATE DATABASE leave_album OWNER worker")
            try directory.write("token", "one-token\n")
            try write("file", "path = \"\(file)\"")
            try write("database", "url = \"\(url)\"")
            let declared = try await run(["ledger", "declare"], "database")
            guard declared.ending == .exited(0) else { throw DaemonHarness.Failure(description: declared.text) }
        }

        private func write(_ name: String, _ ledger: String) throws {
            try directory.write(
                "\(name).toml",
                """
                [broker]
                uris = ["amqp://127.0.0.1:\(freePort())"]
                [credentials]
                providers = ["static"]
                [credentials.static]
                token_file = "\(directory.file("token").path)"
                [ledger]
                \(ledger)
                [admin]
                control_socket = "\(directory.file("control.sock").path)"
                """)
        }

        func run(
            _ words: [String], _ settings: String, kill step: String? = nil
        ) async throws -> (ending: ChildProcess.Ending?, text: String) {
            let hook = step.map { ["ALBUMD_TEST_KILL_MOVE": "\($0):1"] } ?? [:]
            return try await ChildProcess.run(
                [DaemonHarness.products.appendingPathComponent("leave-albumd").path] + words
                    + ["--config", directory.file("\(settings).toml").path], environment: hook)
        }

        /// How many jobs there are, or why nobody may ask.
        func jobs(_ settings: String) async throws -> String {
            let answer = try await run(["ledger", "stats", "--json"], settings)
            guard answer.ending == .exited(0) else { return "refused: \(answer.text)" }
            let entries = try JSONValue.parse(Array(answer.text.utf8))["entries"]?.integer
            return entries.map { "\($0)" } ?? answer.text
        }

        func fill(jobs: Int) async throws {
            let ledger = try await EmbeddedLedger.open(path: file, durability: .normal, onWaiting: nil)
            for number in 1...jobs {
                let arrival = Arrival(
                    jobID: JobID("job-\(number)"), account: AccountID("anna"),
                    tokenHash: SHA256Digest(of: Array("token".utf8)), generation: 0, copy: 0, attempts: 0,
                    isAmbiguous: false, firstSeen: Timestamp(milliseconds: 1_800_000_000_000))
                _ = try await ledger.claim(
                    Claim(
                        arrival: arrival, kind: .call, day: "2027-01-15", at: arrival.firstSeen, attempts: 0,
                        isAmbiguous: false))
            }
            await ledger.close(within: .seconds(10))
        }
    }

    @Test(arguments: ["marked", "begun", "copied", "compared", "left"])
    func aKilledMoveLeavesOneLedgerOrNoneToUseAndGoesOn(step: String) async throws {
        let site = try await Site()
        try await site.fill(jobs: 30)
        let there = ["ledger", "migrate", "--to", site.url]
        let killed = try await site.run(there, "file", kill: step)
        #expect(killed.ending == .signalled(SIGKILL), "\(killed.text)")
        let (inFile, inDatabase) = (try await site.jobs("file"), try await site.jobs("database"))
        #expect((inFile == "30") == (step != "left"), "\(inFile)")
        #expect((inDatabase == "0") == (step == "marked"), "\(inDatabase)")
        let moved = try await site.run(there, "file")
        #expect(moved.ending == .exited(0) && moved.text.contains("ledger.url"), "\(moved.text)")
        #expect(try await site.jobs("database") == "30")
        let refused = try await site.run(["run"], "file")
        #expect(refused.ending == .exited(78) && refused.text.contains("was moved to the ledger at"), "\(refused.text)")

        // Nobody waits for calls that were under way.
        try await site.database.run("UPDATE leave_album.jobs SET call_until = NULL", database: "leave_album")
        let back = ["ledger", "migrate", "--to", site.directory.file("back.sqlite3").path]
        let killedBack = try await site.run(back, "database", kill: step)
        #expect(killedBack.ending == .signalled(SIGKILL), "\(killedBack.text)")
        #expect((try await site.jobs("database") == "30") == (step != "left"))
        let movedBack = try await site.run(back, "database")
        #expect(movedBack.ending == .exited(0) && movedBack.text.contains("ledger.path"), "\(movedBack.text)")
        let reader = try LedgerReader(path: site.directory.file("back.sqlite3").path)
        #expect(try reader.faults() == [])
        #expect(try reader.statistics(at: Timestamp(milliseconds: 1_800_000_000_000)).entries == 30)
        let gone = try await site.run(["run"], "database")
        #expect(gone.ending == .exited(78) && gone.text.contains("was moved to ledger"), "\(gone.text)")
        await site.database.end()
    }

    @Test func whatCannotBeMovedIsSaidInOneLine() async throws {
        let site = try await Site()
        let nothing = try await site.run(["ledger", "migrate", "--to", site.url], "file")
        #expect(nothing.ending == .exited(78) && nothing.text.contains("there is no ledger at"), "\(nothing.text)")
        try await site.fill(jobs: 1)
        let same = try await site.run(["ledger", "migrate", "--to", site.file + ".x"], "file")
        #expect(same.ending == .exited(78) && same.text.contains("--to takes a URL"), "\(same.text)")
        let other = try await site.run(["ledger", "migrate", "--to", site.url], "database")
        #expect(other.ending == .exited(78) && other.text.contains("--to takes a file's path"), "\(other.text)")
        let none = try await site.run(["ledger", "migrate"], "file")
        #expect(none.ending == .exited(64) && none.text.contains("--to is missing"), "\(none.text)")
        await site.database.end()
    }

    @Test func aDatabaseIsBackedUpIntoAFileThatCanBeRestored() async throws {
        let site = try await Site()
        try await site.fill(jobs: 30)
        let moved = try await site.run(["ledger", "migrate", "--to", site.url, "--json"], "file")
        #expect(try JSONValue.parse(Array(moved.text.utf8))["jobs"]?.integer == 30, "\(moved.text)")
        let copy = site.directory.file("copy.sqlite3").path
        let saved = try await site.run(["ledger", "backup", copy], "database")
        #expect(saved.ending == .exited(0) && saved.text.contains("30 jobs"), "\(saved.text)")
        #expect(try await site.jobs("database") == "30", "it is used as before")
        #expect(try LedgerReader(path: copy).faults() == [])
        let refused = try await site.run(["ledger", "backup", "-"], "database")
        #expect(refused.ending == .exited(78), "\(refused.text)")
        // In the place of the file that was moved away.
        let restored = try await site.run(["ledger", "restore", copy], "file")
        #expect(restored.ending == .exited(0), "\(restored.text)")
        #expect(try await site.jobs("file") == "30")
        await site.database.end()
    }
}
