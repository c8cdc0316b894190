import Foundation
import JSON
import PrivateBroker
import Testing

extension OperatingOnABroker {
    /// What an operator types, and what the shell is told of it.
    @Suite struct Commands {
        private func json(_ text: String) throws -> JSONValue { try JSONValue.parse(Array(text.utf8)) }

        @Test func aJobIsSubmittedAwaitedAndLookedUp() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            try harness.directory.write("share-token", "album-single\n")
            let single = try await harness.command(
                "submit", "--account", "acc1", "--share-token-file", harness.directory.file("share-token").path, "--id",
                "single", "--metadata", "ticket=7", "--wait", "--json")
            #expect(single.ending == .exited(0), "\(single.text)")
            let line = try #require(single.text.split(separator: "\n").first { $0.contains("\"outcome\"") })
            let result = try json(String(line))
            #expect(result["outcome"]?.text == "left")
            #expect(result["metadata"]?["ticket"]?.text == "7")

            try harness.directory.write(
                "list",
                """
                {"jobId":"good","account":"acc2","shareToken":"album-good"}
                {"jobId":"bad","account":"nobody","shareToken":"album-bad"}

                """)
            let list = harness.directory.file("list").path
            let both = try await harness.command("submit", "--file", list, "--bulk", "--wait")
            #expect(both.ending == .exited(1), "one of them has no token: \(both.text)")

            let history = try await harness.command("job", "bad", "--json")
            #expect(history.ending == .exited(0))
            #expect(try json(history.text)["state"]?.text == "finished")
            #expect(try await harness.command("job", "good").text.contains("left"))
            #expect(try await harness.command("job", "unheard-of").ending == .exited(1))
            #expect(!history.text.contains("album-bad"), "a share token is as good as a key to the album")

            let replayed = try await harness.command("results", "--replay", "good")
            #expect(replayed.ending == .exited(0))
            let read = try await harness.take("results", atLeast: 3).map(ReadResult.init)
            #expect(read.filter { $0.messageID == "good#0" }.map(\.isReplayed).contains(true))
            await harness.end()
        }

        @Test func aFaultyListIsRefusedWhole() async throws {
            let harness = try await DaemonHarness()
            try harness.directory.write(
                "list",
                """
                {"jobId":"good","account":"acc2","shareToken":"album-good"}
                {"jobId":"bad","account":2,"shareToken":"album-bad"}

                """)
            let refused = try await harness.command("submit", "--file", harness.directory.file("list").path)
            #expect(refused.ending == .exited(65))
            #expect(refused.text.contains("line 2"))
            #expect(try await harness.depth("jobs") == 0)
            #expect(try await harness.command("submit", "--account", "acc1").ending == .exited(64))
            #expect(try await harness.command("submitt").ending == .exited(64))
            await harness.end()
        }

        @Test func theLedgerIsKeptThroughTheDaemonAndWithoutIt() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            for number in 1...3 {
                try await harness.publish(
                    DaemonHarness.body("j\(number)", account: "acc\(number)", token: "album-\(number)"))
            }
            _ = try await harness.take("results", atLeast: 3)
            let copy = harness.directory.file("copy.sqlite3").path
            #expect(try await harness.command("ledger", "verify").ending == .exited(0))
            #expect(try await harness.command("ledger", "backup", copy).ending == .exited(0))
            #expect(try await harness.command("ledger", "forget", "j1").ending == .exited(0))
            #expect(try json(try await harness.command("ledger", "stats", "--json").text)["entries"]?.integer == 2)
            let busy = try await harness.command("ledger", "restore", copy)
            #expect(busy.ending != .exited(0), "a running daemon's ledger is not replaced")
            #expect(try await harness.command("status").ending == .exited(0))
            try await harness.stopInOrder()

            #expect(try await harness.command("status").ending == .exited(69))
            #expect(try json(try await harness.command("ledger", "stats", "--json").text)["entries"]?.integer == 2)
            #expect(try await harness.command("ledger", "prune", "--older", "1h").ending == .exited(0))
            let restored = try await harness.command("ledger", "restore", copy)
            #expect(restored.ending == .exited(0), "\(restored.text)")
            #expect(try json(try await harness.command("ledger", "stats", "--json").text)["entries"]?.integer == 3)
            #expect(try await harness.command("ledger", "verify").ending == .exited(0))
            await harness.end()
        }

        @Test func wrongSettingsAreNamedAndAreNotTheBrokersFault() async throws {
            let harness = try await DaemonHarness()
            #expect(try await harness.command("check").ending == .exited(0))
            let live = try await harness.command("check", "--live")
            #expect(live.ending == .exited(0), "\(live.text)")
            let file = harness.directory.file("d.toml")
            let good = try String(contentsOf: file, encoding: .utf8)
            try harness.directory.write("d.toml", good + "\n[trace]\nendpoint = \"http://127.0.0.1:\(freePort())\"\n")
            let traced = try await harness.command("check", "--live")
            #expect(traced.ending == .exited(69) && traced.text.contains("takes no spans"), "\(traced.text)")
            try harness.directory.write("d.toml", good.replacingOccurrences(of: "durability", with: "durabillity"))
            let wrong = try await harness.command("check")
            #expect(wrong.ending == .exited(78))
            #expect(wrong.text.contains("durability"), "the key that was meant: \(wrong.text)")
            #expect(try await harness.command("run").ending == .exited(78))
            try harness.directory.write(
                "d.toml", good.replacingOccurrences(of: ":\(harness.broker.port)\"", with: ":\(freePort())\""))
            #expect(try await harness.command("check", "--live").ending == .exited(69))
            #expect(try await harness.command("topology", "verify").ending == .exited(69))
            await harness.end()
        }

        /// Definitions of least permission are imported as they are printed; the worker lives on its user's rights.
        @Test func theExportedTopologyIsEnoughForTheWorker() async throws {
            let management = freePort()
            let broker = try await PrivateBroker(
                plugins: ["rabbitmq_management"],
                configuration: """
                    management.tcp.ip = 127.0.0.1
                    management.tcp.port = \(management)

                    """)
            let harness = try await DaemonHarness(broker: broker)
            #expect(try await harness.command("topology", "verify").ending == .exited(0))
            let deleted = try await harness.command("topology", "delete", "--confirm", harness.prefix)
            #expect(deleted.ending == .exited(0), "\(deleted.text)")
            #expect(try await harness.command("topology", "verify").ending == .exited(1))

            let exported = try await harness.command("topology", "export")
            #expect(exported.ending == .exited(0))
            try harness.directory.write("definitions.json", exported.text)
            try await broker.importDefinitions(harness.directory.file("definitions.json").path)
            let url = "http://127.0.0.1:\(management)"
            let verified = try await harness.command("topology", "verify", "--management", url)
            #expect(verified.ending == .exited(0), "\(verified.text)")

            for user in ["worker", "publisher"] {
                try await broker.control("change_password", "\(harness.prefix)-\(user)", "secret")
            }
            let file = harness.directory.file("d.toml")
            let original = try String(contentsOf: file, encoding: .utf8)
            let settings = original.replacingOccurrences(
                of: "amqp://127", with: "amqp://\(harness.prefix)-worker:secret@127"
            ).replacingOccurrences(of: "prefix =", with: "topology = \"verify\"\nprefix =")
            try harness.directory.write("d.toml", settings)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("one", account: "acc1", token: "album-one"))
            try await harness.publish(DaemonHarness.body("none", account: "nobody", token: "album-none"))
            let results = try await harness.take("results", atLeast: 2).map(ReadResult.init)
            #expect(Set(results.map(\.outcome)) == ["left", "failed"])
            try await eventually("its dead letter is there") { try await harness.depth("dead") == 1 }
            try await harness.stopInOrder()

            try harness.directory.write("d.toml", original)
            try await broker.control(
                "set_policy", "shorter", "^\(harness.prefix)\\.jobs$", #"{"message-ttl":60000}"#, "--priority", "9")
            // The management interface shows a policy some seconds after it is set.
            try await eventually("the policy is found") {
                let verified = try await harness.command("topology", "verify", "--management", url)
                return verified.ending == .exited(1) && verified.text.contains("shorter")
            }
            await harness.end()
            await broker.end()
        }
    }
}
