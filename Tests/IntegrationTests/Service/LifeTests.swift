import Foundation
import JSON
import PrivateBroker
import Testing

extension ServiceOnABroker {
    /// What years bring: a lost ledger, an upgrade taken back, passwords that change.
    @Suite struct Life {
        private func wipeLedger(_ harness: DaemonHarness) throws {
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(at: harness.directory.file("ledger.sqlite3" + suffix))
            }
            #expect(!FileManager.default.fileExists(atPath: harness.directory.file("ledger.sqlite3").path))
        }

        /// A backup under load, then the ledger is lost in mid-work, some jobs later.
        @Test func aLostLedgerIsRestoredFromABackupAndWhatWasDoneBeforeItIsNotDoneAgain() async throws {
            let jobs = 1_200
            let harness = try await DaemonHarness(simulatorOptions: ["--latency", "50"])
            let reader = try ResultReader(harness)
            func publish(_ numbers: Range<Int>) async throws {
                try await harness.inParallel(numbers) { number in
                    try await harness.publish(
                        DaemonHarness.body("b\(number)", account: "acc\(number % 50 + 1)", token: "album-b\(number)"))
                }
            }
            try await publish(0..<jobs / 2)
            try await harness.start()
            try await eventually("a part is done") { reader.jobs >= jobs / 4 }
            let before = Set(reader.all.compactMap(\.jobID))
            let backup = harness.directory.file("backup.sqlite3").path
            let backedUp = try await harness.command("ledger", "backup", backup)
            #expect(backedUp.ending == .exited(0), "\(backedUp.text)")
            let around = Set(reader.all.compactMap(\.jobID))
            // However long the backup took, it is under load afterwards.
            try await publish(jobs / 2..<jobs)
            try await eventually("more is done") { reader.jobs >= jobs / 2 + 50 }
            await harness.daemon?.signal(SIGKILL)
            _ = await harness.daemon?.wait()
            try wipeLedger(harness)

            // Nobody starts with an empty memory by accident.
            let refused = try await harness.command("run")
            #expect(refused.ending == .exited(78), "\(refused.text)")
            #expect(refused.text.contains("Restore the ledger"), "\(refused.text)")
            let restored = try await harness.command("ledger", "restore", backup)
            #expect(restored.ending == .exited(0), "\(restored.text)")
            #expect(try await harness.command("ledger", "verify").ending == .exited(0))

            try await harness.start()
            try await eventually("every job has a result") {
                Set(reader.all.compactMap(\.jobID)).count == jobs
            }
            try await eventually("nothing is in hand") { try await harness.isQuiet() }

            // A job that ended after the backup, and that its publisher sends again.
            let late = try #require(
                Set(reader.all.compactMap(\.jobID)).subtracting(around).first { id in
                    reader.of(id).count == 1
                })
            let number = Int(late.dropFirst()) ?? 0
            try await harness.publish(
                DaemonHarness.body(late, account: "acc\(number % 50 + 1)", token: "album-\(late)"))
            try await eventually("it is answered again") { reader.of(late).count == 2 }
            try await eventually("nothing is in hand") { try await harness.isQuiet() }
            try await harness.stopInOrder()
            #expect(try await harness.command("ledger", "verify").ending == .exited(0))
            reader.stop()

            let calls = Dictionary(grouping: try harness.calls(), by: \.token)
            for id in before {
                #expect(calls["album-\(id)"]?.count == 1, "\(id) ended before the backup")
                #expect(Set(reader.of(id).map(\.body)).count == 1, "\(id)")
            }
            let twice = calls.filter { $0.value.count > 1 }
            print(
                "restore: \(before.count) jobs ended before the backup; of \(jobs) jobs \(twice.count) were called "
                    + "twice, among them those in hand at the kill and the one sent again")
            // 32 calls were under way at the kill, and up to two lanes' prefetch had an end that was not acked.
            #expect(twice.count <= 1 + 64)
            #expect(
                reader.all.allSatisfy { $0.effect == "left" }, "whoever was called twice had left: the album says so")
            #expect(calls.values.allSatisfy { $0.filter { $0.effect == "left" }.count == 1 })
            await harness.end()
        }

        /// The file is changed first or last: either way the connection that lives goes on, and the next logs in.
        @Test func theBrokersPasswordIsRotatedUnderLoadWithoutLoss() async throws {
            let harness = try await DaemonHarness(simulatorOptions: ["--latency", "10"])
            let user = harness.prefix
            let passwords = ["first-\(UUID().uuidString)", "second-\(UUID().uuidString)", "third-\(UUID().uuidString)"]
            try await harness.broker.control("add_user", user, passwords[0])
            try await harness.broker.control("set_permissions", user, ".*", ".*", ".*")
            try harness.directory.write("password", passwords[0] + "\n")
            let settings = try String(contentsOf: harness.directory.file("d.toml"), encoding: .utf8)
            try harness.directory.write(
                "d.toml",
                settings.replacingOccurrences(
                    of: "[api]",
                    with:
                        "username = \"\(user)\"\npassword_file = \"\(harness.directory.file("password").path)\"\n[api]")
            )
            let reader = try ResultReader(harness)
            try await harness.start()
            try await harness.waitUntilConsuming()
            func publish(_ numbers: Range<Int>) async throws {
                try await harness.inParallel(numbers) { number in
                    try await harness.publish(
                        DaemonHarness.body("p\(number)", account: "acc\(number % 50 + 1)", token: "album-p\(number)"))
                }
            }
            try await publish(0..<300)

            // In order: the broker, the file, and the living connection goes on meanwhile.
            try await harness.broker.control("change_password", user, passwords[1])
            try harness.directory.write("password", passwords[1] + "\n")
            try await publish(300..<600)
            try await eventually("jobs go on") { reader.jobs > 350 }
            #expect(await harness.log.contains("lost the") == false, "nobody was cut off")
            var before = await harness.consumptions
            try await harness.broker.control("close_all_user_connections", user, "rotated")
            try await eventually("it consumes again") { await harness.consumptions > before }

            // Out of order: the connections are closed while the file is still the old one.
            try await publish(600..<900)
            before = await harness.consumptions
            try await harness.broker.control("change_password", user, passwords[2])
            try await harness.broker.control("close_all_user_connections", user, "rotated")
            try await eventually("the login is refused") { await harness.log.contains("logging in at") }
            #expect(await harness.daemon?.isRunning == true)
            try harness.directory.write("password", passwords[2] + "\n")
            try await eventually("it consumes again") { await harness.consumptions > before }

            try await eventually("every job has its result") { reader.jobs == 900 }
            try await eventually("nothing is in hand") { try await harness.isQuiet() }
            try await harness.stopInOrder()
            reader.stop()
            #expect(reader.all.allSatisfy { $0.outcome == "left" })
            #expect(
                Dictionary(grouping: reader.all, by: \.messageID).values.allSatisfy { Set($0.map(\.body)).count == 1 })
            let calls = try harness.calls()
            #expect(calls.count == 900 && Set(calls.map(\.token)).count == 900, "no job was called twice")
            #expect(try await harness.waiting() == 0)
            let log = await harness.logs
            #expect(passwords.allSatisfy { !log.contains($0) })
            try await harness.broker.control("delete_user", user)
            await harness.end()
        }

        /// First as a site should do it, with both secrets good for a while; then the old one dies too early.
        @Test func theClientsSecretIsRotatedWithoutLoss() async throws {
            let harness = try await DaemonHarness()
            try harness.directory.write("key", String(repeating: "5c", count: 32) + "\n")
            try harness.directory.write("client-secret", "old-secret\n")
            let settings = try String(contentsOf: harness.directory.file("d.toml"), encoding: .utf8)
            try harness.directory.write(
                "d.toml",
                settings.replacingOccurrences(of: "providers = [\"static\"]", with: "providers = [\"store\"]") + """

                    [credentials.store]
                    directory = "\(harness.directory.file("grants").path)"
                    key_file = "\(harness.directory.file("key").path)"
                    client_id = "the-client"
                    client_secret_file = "\(harness.directory.file("client-secret").path)"
                    token_url = "http://127.0.0.1:\(harness.simulatorPort)/token"
                    """)
            var lines = ""
            for number in 1...40 {
                try await harness.control("grants", #"{"refreshToken":"grant-\#(number)","account":"acc\#(number)"}"#)
                lines += #"{"account":"acc\#(number)","refreshToken":"grant-\#(number)"}"# + "\n"
            }
            try harness.directory.write("grants.jsonl", lines)
            #expect(
                try await harness.command(
                    "credentials", "import", "--file", harness.directory.file("grants.jsonl").path
                ).ending == .exited(0))
            try await harness.control("client", #"{"secrets":["old-secret"]}"#)
            let reader = try ResultReader(harness)
            try await harness.start()
            try await harness.waitUntilConsuming()
            // Accounts of their own each time, because each costs a refresh.
            func work(_ accounts: ClosedRange<Int>) async throws {
                for number in accounts {
                    try await harness.publish(
                        DaemonHarness.body("c\(number)", account: "acc\(number)", token: "album-c\(number)"))
                }
            }
            try await work(1...10)
            try await eventually("the old secret serves") { reader.jobs == 10 }
            try await harness.control("client", #"{"secrets":["old-secret","new-secret"]}"#)
            try await work(11...15)
            try harness.directory.write("client-secret", "new-secret\n")
            try await eventually("both serve") { reader.jobs == 15 }
            try await harness.control("client", #"{"secrets":["new-secret"]}"#)
            try await work(16...20)
            try await eventually("the new one serves") { reader.jobs == 20 }
            #expect(await harness.log.contains("on hold") == false, "nobody noticed")

            try await harness.control("client", #"{"secrets":["third-secret"]}"#)
            try await work(21...40)
            try await eventually("it holds") { await harness.log.contains("client_misconfigured") }
            try harness.directory.write("client-secret", "third-secret\n")
            #expect(try await harness.command("resume", "client_misconfigured").ending == .exited(0))
            do {
                // Those that were refused a token in the hold stand aside until others would have been tried.
                try await eventually("every job has its result") { reader.jobs == 40 }
            } catch {
                print(await harness.logs)
                throw error
            }
            try await harness.stopInOrder()
            reader.stop()
            #expect(reader.all.allSatisfy { $0.outcome == "left" && $0.json["attempts"]?.integer ?? 9 <= 1 })
            let calls = try harness.calls()
            #expect(calls.count == 40 && Set(calls.map(\.token)).count == 40)
            let log = await harness.logs
            #expect(!log.contains("-secret\"") && !log.contains("third-secret") && !log.contains("new-secret"))
            await harness.end()
        }
    }
}
