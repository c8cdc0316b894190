import Foundation
import JSON
import PrivateBroker
import PrivateDatabase
import Testing

extension OperatingOnABroker {
    /// What a command writes arrives, or its status says that it did not.
    @Suite struct Output {
        /// Every command that prints, as it is called on a stage with job `done`, whose letter is dead. A new command
        /// belongs here, or below.
        private func commands(
            _ harness: DaemonHarness, _ database: PrivateDatabase
        ) -> [(name: String, message: [String])] {
            let file = { (name: String) in harness.directory.file(name).path }
            let url = "postgresql://\(PrivateDatabase.superuser)@127.0.0.1:\(database.port)/postgres"
            return [
                ("version", []), ("help", []), ("check", []), ("topology declare", []), ("topology verify", []),
                ("topology export", []),
                ("submit", ["--account", "acc1", "--share-token-file", file("share-token"), "--id", "one"]),
                ("submit", ["--file", file("list"), "--wait"]), ("cancel", ["unheard-of"]),
                ("results", ["--replay", "done"]), ("preview", []), ("dead list", []), ("dead show", ["done"]),
                ("dead stats", []),
                ("dead redrive", ["--all", "--dry-run"]), ("dead discard", ["--all", "--dry-run"]),
                ("reconcile", ["--file", file("list")]), ("job", ["done"]), ("ledger stats", []),
                ("ledger members", []), ("ledger declare", ["--url", url]),
                ("ledger prune", []), ("ledger verify", []), ("ledger backup", [file("copy")]),
                ("ledger backup", ["-"]), ("ledger forget", ["done"]), ("credentials list", []),
                ("credentials check", ["acc1"]), ("credentials authorize", ["acc1"]), ("status", []), ("pause", []),
                ("resume", []), ("probe", []), ("holds", []), ("quota", []), ("queues", []),
                ("bundle", [file("bundle.tar.gz")]), ("bundle", ["-"]),
                // Without the daemon.
                ("ledger restore", [file("copy")]), ("ledger migrate", ["--to", url]),
                ("topology delete", ["--confirm", harness.prefix, "--with-messages"]),
            ]
        }

        /// Nothing on standard output: the daemon, and four that say what they did on standard error.
        private static let silent: Set = [
            "run", "credentials import", "credentials remove", "credentials rekey", "credentials move",
        ]

        private func prepared() async throws -> DaemonHarness {
            let harness = try await DaemonHarness()
            try harness.directory.write("key", String(repeating: "0a", count: 32) + "\n")
            try FileManager.default.createDirectory(
                at: harness.directory.file("grants"), withIntermediateDirectories: false)
            try harness.directory.write("share-token", "album-single\n")
            let listed = DaemonHarness.body("listed", account: "acc2", token: "album-listed")
            try harness.directory.write("list", String(decoding: listed, as: UTF8.self) + "\n")
            let settings = try String(contentsOf: harness.directory.file("d.toml"), encoding: .utf8)
            try harness.directory.write(
                "d.toml",
                settings + """

                    [credentials.store]
                    client_id = "of-ours"
                    directory = "\(harness.directory.file("grants").path)"
                    key_file = "\(harness.directory.file("key").path)"
                    """)
            return harness
        }

        /// A command whose standard output is what the shell makes of `redirection`; its standard error is the text.
        private func run(
            _ harness: DaemonHarness, _ message: [String], _ redirection: String
        ) async throws -> (ending: ChildProcess.Ending?, text: String) {
            let binary = DaemonHarness.products.appendingPathComponent("leave-albumd").path
            return try await ChildProcess.run(
                ["/bin/sh", "-c", "exec \"$@\" \(redirection)", "sh", binary] + message)
        }

        private func leaves(_ message: [String] = []) async throws -> [String] {
            let binary = DaemonHarness.products.appendingPathComponent("leave-albumd").path
            let help = try await ChildProcess.run([binary, "help"] + message).text
            guard let list = help.components(separatedBy: "\ncommands:\n").dropFirst().first else {
                return [message.joined(separator: " ")]
            }
            var leaves: [String] = []
            let section = list.components(separatedBy: "\n\n")[0]
            for name in section.matches(of: #/(?m)^  ([a-z]+)  /#).map({ String($0.output.1) }) {
                leaves += try await self.leaves(message + [name])
            }
            return leaves
        }

        @Test func aFullDiskIsReportedByEveryCommandThatPrints() async throws {
            let harness = try await prepared()
            let database = try await PrivateDatabase()
            let commands = commands(harness, database)
            let known = Set(commands.map(\.name)).union(Self.silent)
            #expect(try await Set(leaves()) == known, "a command that no full disk was tried with")
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("done", account: "nobody", token: "album-done"))
            _ = try await harness.take("results", atLeast: 1)
            let config = ["--config", harness.directory.file("d.toml").path]
            for (name, message) in commands {
                if name == "ledger restore" { try await harness.stopInOrder() }
                let isPlain = ["version", "help"].contains(name)
                let command = name.split(separator: " ").map(String.init) + message + (isPlain ? [] : config)
                let full = try await run(harness, command, ">/dev/full")
                #expect(full.ending == .exited(74), "\(command): \(full.text)")
                #expect(full.text.contains("standard output: No space left on device"), "\(command): \(full.text)")
            }
            await harness.end()
            await database.end()
        }

        @Test func helpAndVersionAreNoExceptions() async throws {
            let harness = try await DaemonHarness()
            for message in try await leaves().map({ $0.split(separator: " ").map(String.init) + ["--help"] })
                + [["--help"], ["--version"]]
            {
                #expect(try await run(harness, message, ">/dev/full").ending == .exited(74), "\(message)")
                #expect(try await run(harness, message, ">&-").ending == .exited(74), "\(message): it is closed")
            }
            let simulator = DaemonHarness.products.appendingPathComponent("photos-simulator").path
            for word in ["--help", "--version"] {
                let full = try await ChildProcess.run(
                    ["/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh", simulator, word])
                #expect(full.ending == .exited(74), "\(word): \(full.text)")
            }
            let listening = try await ChildProcess.run(
                ["/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh", simulator, "--listen", "127.0.0.1:0"])
            #expect(listening.ending == .exited(74))
            await harness.end()
        }

        /// The first line that cannot be written ends what would go on for ever.
        @Test func whoFollowsResultsOntoAFullDiskReadsSo() async throws {
            let harness = try await prepared()
            try await harness.start()
            try await harness.waitUntilConsuming()
            let binary = DaemonHarness.products.appendingPathComponent("leave-albumd").path
            let follower = try ChildProcess(
                [
                    "/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh", binary, "results", "--config",
                    harness.directory.file("d.toml").path,
                ], output: harness.directory.file("follower.out"))
            var number = 0
            try await eventually("a result comes") {
                number += 1
                try await harness.publish(DaemonHarness.body("j\(number)", account: "acc1", token: "album-\(number)"))
                return !follower.isRunning
            }
            #expect(await follower.wait() == .exited(74), "\(follower.text)")
            await harness.end()
        }

        /// A reader that goes has seen what it wanted.
        @Test func aReaderThatHasGoneIsNoTrouble() async throws {
            let harness = try await prepared()
            try await harness.start()
            try await harness.waitUntilConsuming()
            let config = ["--config", harness.directory.file("d.toml").path]
            let binary = DaemonHarness.products.appendingPathComponent("leave-albumd").path
            for message in [["help"], ["--version"], ["status"] + config, ["topology", "export"] + config] {
                // A pipe that has had its reader: both ends, then only the one that writes.
                let gone = try await ChildProcess.run(
                    [
                        "/bin/bash", "-c",
                        "pipe=$1; shift; mkfifo $pipe; exec 3<>$pipe 4>$pipe 3>&-; rm $pipe; exec \"$@\" >&4", "bash",
                        harness.directory.file("pipe").path, binary,
                    ] + message)
                #expect(gone.ending == .exited(0) && gone.text.isEmpty, "\(message): \(gone.text)")
            }
            await harness.end()
        }

        /// What `submit` printed is the only record of ids that it made.
        @Test func aSubmissionStopsWhereItsRecordIsLost() async throws {
            let harness = try await DaemonHarness()
            let lines = (0..<5_000).map { #"{"account":"acc1","shareToken":"album-\#($0)"}"# }
            try harness.directory.write("many", lines.joined(separator: "\n"))
            let config = harness.directory.file("d.toml").path
            let many = harness.directory.file("many").path
            let full = try await run(harness, ["submit", "--file", many, "--config", config], ">/dev/full")
            #expect(full.ending == .exited(74))
            #expect(full.text.contains("of 5000 jobs"), "\(full.text)")
            #expect(try await harness.depth("jobs") < 1_000)
            await harness.end()
        }

        @Test func whatCommandsWriteIsAFileOrStandardOutputAndNothingElse() async throws {
            let harness = try await prepared()
            try await harness.start()
            try await harness.waitUntilConsuming()
            let config = ["--config", harness.directory.file("d.toml").path]
            let folder = harness.directory.file(".").path
            let link = harness.directory.file("link").path
            let pipe = harness.directory.file("fifo").path
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "nothing")
            #expect(mkfifo(pipe, 0o600) == 0)
            for isRunning in [true, false] {
                for command in [["ledger", "backup"], ["bundle"]] {
                    for (target, word) in [(link, "symbolic link"), (pipe, "a pipe"), (folder, "a directory")] {
                        let refused = try await run(harness, command + [target] + config, "")
                        #expect(refused.ending == .exited(73), "\(command) \(target): \(refused.text)")
                        #expect(refused.text.contains(word), "\(refused.text)")
                    }
                }
                for command in [["ledger", "backup"], ["bundle"]] {
                    for name in ["ledger.sqlite3", "ledger.sqlite3-wal", "d.toml"] {
                        let target = harness.directory.file(name).path
                        let before = try? Data(contentsOf: URL(fileURLWithPath: target))
                        let refused = try await run(harness, command + [target] + config, "")
                        #expect(refused.ending == .exited(73), "\(command) \(target): \(refused.text)")
                        let after = try? Data(contentsOf: URL(fileURLWithPath: target))
                        #expect(after?.prefix(16) == before?.prefix(16), "\(command) \(target)")
                    }
                }
                #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "nothing")
                var status = stat()
                #expect(lstat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)

                let copy = harness.directory.file("streamed").path
                let streamed = try await run(harness, ["ledger", "backup", "-"] + config, ">\(copy)")
                #expect(streamed.ending == .exited(0), "\(streamed.text)")
                #expect(try Data(contentsOf: URL(fileURLWithPath: copy)).starts(with: Array("SQLite format 3".utf8)))
                let archive = harness.directory.file("streamed.tar.gz").path
                let bundled = try await run(harness, ["bundle", "-"] + config, ">\(archive)")
                #expect(bundled.ending == .exited(0), "\(bundled.text)")
                #expect(try await ChildProcess.run(["/bin/tar", "--list", "--file", archive]).ending == .exited(0))
                if isRunning { try await harness.stopInOrder() }
            }
            let restored = try await run(
                harness, ["ledger", "restore", harness.directory.file("streamed").path] + config, "")
            #expect(restored.ending == .exited(0), "a streamed copy is a backup: \(restored.text)")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(!names.contains { $0.hasSuffix(".copy") || $0.hasPrefix(".leave-albumd") }, "\(names)")
            // A person's terminal is no place for it.
            let message = (["bundle", "-"] + config).joined(separator: " ")
            let binary = DaemonHarness.products.appendingPathComponent("leave-albumd").path
            let shown = try await ChildProcess.run(
                ["/usr/bin/script", "--quiet", "--return", "--command", "\(binary) \(message)", "/dev/null"])
            #expect(shown.ending == .exited(64) && shown.text.contains("terminal"), "\(shown.text)")
            await harness.end()
        }

        /// The later one would win, and whoever is called with it is not who the first line says.
        @Test func oneAccountWithTwoGrantsImportsNothing() async throws {
            let harness = try await prepared()
            let grants = harness.directory.file("grants.jsonl").path
            let first = #"{"account":"a","refreshToken":"one"}"#
            try harness.directory.write("grants.jsonl", "\(first)\n\n{\"account\":\"a\",\"refreshToken\":\"two\"}\n")
            let refused = try await harness.command("credentials", "import", "--file", grants)
            #expect(refused.ending == .exited(65))
            #expect(refused.text.contains("line 3") && refused.text.contains("line 1"), "\(refused.text)")
            #expect(try await harness.command("credentials", "list", "--json").text.isEmpty)
            try harness.directory.write("grants.jsonl", "\(first)\n\(first)\n")
            let twice = try await harness.command("credentials", "import", "--file", grants)
            #expect(twice.ending == .exited(0) && twice.text.contains("1 imported"), "\(twice.text)")
            await harness.end()
        }

        @Test func oneIDForTwoJobsSubmitsNothing() async throws {
            let harness = try await DaemonHarness()
            try harness.directory.write(
                "list",
                """
                {"jobId":"a","account":"acc1","shareToken":"album-1"}
                {"jobId":"b","account":"acc1","shareToken":"album-2"}
                {"jobId":"a","account":"acc1","shareToken":"album-3"}

                """)
            let list = harness.directory.file("list").path
            for more in [[], ["--wait"]] {
                let refused = try await run(
                    harness, ["submit", "--file", list, "--config", harness.directory.file("d.toml").path] + more, "")
                #expect(refused.ending == .exited(65))
                #expect(refused.text.contains("line 3") && refused.text.contains("line 1"), "\(refused.text)")
            }
            #expect(try await harness.depth("jobs") == 0)
            let line = String(decoding: DaemonHarness.body("a", account: "acc1", token: "album-1"), as: UTF8.self)
            try harness.directory.write("list", "\(line)\n\(line)\n")
            let repeated = try await harness.command("submit", "--file", list)
            #expect(repeated.ending == .exited(0) && repeated.text.contains("line 2"), "\(repeated.text)")
            #expect(try await harness.depth("jobs") == 1, "the same job twice is one job")
            await harness.end()
        }
    }
}
