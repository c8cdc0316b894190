import Foundation
import JSON
import PrivateBroker
import Testing

extension OnABroker {
    /// The store of grants as a site uses it.
    @Suite struct Credentials {
        @Test func grantsAreImportedUsedAndNeverShown() async throws {
            let harness = try await DaemonHarness()
            try harness.withStore()
            var lines = ""
            for number in 1...20 {
                let rotate = number % 2 == 0 ? #","rotate":true"# : ""
                let more = number == 20 ? #","error":"invalid_grant""# : ""
                try await harness.control(
                    "grants", #"{"refreshToken":"very-secret-\#(number)","account":"acc\#(number)"\#(rotate)\#(more)}"#)
                lines += #"{"account":"acc\#(number)","refreshToken":"very-secret-\#(number)"}"# + "\n"
            }
            try harness.directory.write("grants.jsonl", lines)
            let imported = try await harness.command(
                "credentials", "import", "--file", harness.directory.file("grants.jsonl").path)
            #expect(imported.ending == .exited(0), "\(imported.text)")
            #expect(try await harness.command("credentials", "check", "acc1").ending == .exited(0))
            #expect(try await harness.command("check", "--live").ending == .exited(0))

            try await harness.start()
            try await harness.waitUntilConsuming()
            for number in 1...20 {
                for copy in 0..<3 {
                    try await harness.publish(
                        DaemonHarness.body(
                            "s\(number).\(copy)", account: "acc\(number)", token: "album-s\(number).\(copy)"))
                }
            }
            try await harness.publish(DaemonHarness.body("stranger", account: "stranger", token: "album-stranger"))
            let results = try await harness.take("results", atLeast: 61).map(ReadResult.init)
            #expect(results.filter { $0.outcome == "left" }.count == 57)
            #expect(results.filter { $0.reason == "grant_revoked" }.count == 3)
            #expect(results.filter { $0.reason == "credential_not_found" }.map(\.jobID) == ["stranger"])
            let refreshes = try harness.calls(of: "token")
            #expect(refreshes.filter { $0.account == "acc20" }.count == 1, "a revoked grant costs one refresh")
            // One of the check, one of the daemon.
            #expect(refreshes.count == 21, "one refresh for each account: \(refreshes.count)")
            #expect(try harness.calls().count == 57, "no call without a grant")

            let list = try await harness.command("credentials", "list", "--json")
            #expect(list.text.contains("revoked") && list.text.contains("acc20"))
            #expect(try await harness.command("credentials", "remove", "acc20").ending == .exited(0))
            #expect(try await harness.command("credentials", "remove", "acc20").ending == .exited(1))
            try await harness.stopInOrder()

            try harness.directory.write("key2", String(repeating: "c5", count: 32) + "\n")
            let rekeyed = try await harness.command(
                "credentials", "rekey", "--new-key-file", harness.directory.file("key2").path)
            #expect(rekeyed.ending == .exited(0), "\(rekeyed.text)")
            #expect(try await harness.command("credentials", "list").ending == .exited(1), "the old key opens nothing")
            try harness.directory.write("key", String(repeating: "c5", count: 32) + "\n")
            #expect(try await harness.command("credentials", "check", "acc2").ending == .exited(0))

            // Everything that was written or printed, but the simulator's own journal.
            let reported =
                await harness.logs + list.text + imported.text + rekeyed.text
                + results.map { String(decoding: $0.body, as: UTF8.self) }.joined()
            #expect(!reported.contains("very-secret"))
            // The simulator's access tokens are at-1, at-2 and so on; its new refresh tokens rt-1-acc2.
            #expect(reported.range(of: #"\b[ar]t-[0-9]"#, options: .regularExpression) == nil)
            for name in try FileManager.default.contentsOfDirectory(atPath: harness.directory.file("grants").path) {
                let data = try Data(contentsOf: harness.directory.file("grants/\(name)"))
                #expect(data.range(of: Data("secret".utf8)) == nil && data.range(of: Data("rt-".utf8)) == nil)
            }
            let ledger = try Data(contentsOf: harness.directory.file("ledger.sqlite3"))
            #expect(ledger.range(of: Data("very-secret".utf8)) == nil && ledger.range(of: Data("at-1".utf8)) == nil)
            await harness.end()
        }

        @Test func aUserAgreesInABrowser() async throws {
            let harness = try await DaemonHarness()
            try harness.withStore()
            let command = try ChildProcess(
                [
                    DaemonHarness.products.appendingPathComponent("leave-albumd").path, "credentials", "authorize",
                    "acc1",
                    "--auth-url", "https://login.example/auth", "--config", harness.directory.file("d.toml").path,
                ], output: harness.directory.file("authorize.out"))
            try await eventually("it prints where to go") { command.text.contains("https://login.example/auth?") }
            let url = try #require(
                URLComponents(string: command.text.split(separator: "\n").first.map(String.init) ?? ""))
            let items = Dictionary((url.queryItems ?? []).map { ($0.name, $0.value ?? "") }) { first, _ in first }
            #expect(items["code_challenge_method"] == "S256" && items["code_challenge"]?.count == 43)
            #expect(items["scope"]?.hasSuffix("photoslibrary.sharing") == true)
            let back = try #require(items["redirect_uri"])
            func visit(_ query: String) async throws -> String {
                try await ChildProcess.run(["/usr/bin/curl", "-sS", "\(back)\(query)"]).text
            }
            // An icon, and somebody else's answer.
            #expect(try await visit("favicon.ico").contains("does not belong"))
            #expect(try await visit("?code=acc1&state=guess").contains("does not belong"))
            #expect(try await visit("?code=acc1&state=\(items["state"] ?? "")").contains("received"))
            #expect(await command.wait() == .exited(0), "\(command.text)")
            #expect(try await harness.command("credentials", "check", "acc1").ending == .exited(0))
            await harness.end()
        }

        /// `LEAVE_ALBUMD_ROTATION_KILLS=200` for the whole count.
        @Test func aKillInARotationNeverLosesTheGrant() async throws {
            let kills = ProcessInfo.processInfo.environment["LEAVE_ALBUMD_ROTATION_KILLS"].flatMap(Int.init) ?? 40
            let harness = try await DaemonHarness()
            try harness.withStore()
            try await harness.control("grants", #"{"refreshToken":"first","account":"acc1","rotate":true}"#)
            try harness.directory.write("grant", #"{"account":"acc1","refreshToken":"first"}"# + "\n")
            #expect(
                try await harness.command("credentials", "import", "--file", harness.directory.file("grant").path)
                    .ending
                    == .exited(0))
            let program = DaemonHarness.products.appendingPathComponent("leave-albumd").path
            var killed = 0
            while killed < kills {
                let check = try ChildProcess(
                    [program, "credentials", "check", "acc1", "--config", harness.directory.file("d.toml").path],
                    output: harness.directory.file("check.out"))
                // The whole of it takes some 30 ms.
                try await Task.sleep(for: .microseconds(Int.random(in: 5_000...60_000)))
                check.signal(SIGKILL)
                if await check.wait() == .signalled(SIGKILL) { killed += 1 }
            }
            let rotations = try harness.calls(of: "token").count
            let after = try await harness.command("credentials", "check", "acc1")
            #expect(after.ending == .exited(0), "after \(killed) kills and \(rotations) rotations: \(after.text)")
            print("\(killed) kills among \(rotations) rotations, and the grant is good")
            let names = try FileManager.default.contentsOfDirectory(atPath: harness.directory.file("grants").path)
            #expect(names.filter { $0.utf8.count == 64 }.count == 1)
            await harness.end()
        }
    }
}

extension DaemonHarness {
    /// Has grants of the store in the place of fixed tokens.
    nonisolated func withStore() throws {
        try directory.write("key", String(repeating: "5c", count: 32) + "\n")
        let file = directory.file("d.toml")
        let settings =
            try String(contentsOf: file, encoding: .utf8)
            .replacingOccurrences(of: "providers = [\"static\"]", with: "providers = [\"store\"]")
                + """

                [credentials.store]
                directory = "\(directory.file("grants").path)"
                key_file = "\(directory.file("key").path)"
                client_id = "the-client"
                token_url = "http://127.0.0.1:\(simulatorPort)/token"
                """
        try directory.write("d.toml", settings)
    }
}
