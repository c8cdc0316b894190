import Foundation
import JSON
import PrivateBroker
import Testing

extension ServiceOnABroker {
    /// What becomes of jobs while there is no descriptor, and of programs that the daemon starts.
    @Suite(.timeLimit(.minutes(30))) struct DescriptorJobs {
        @Test func theHoldSaysThatDescriptorsAreMissingAndLiftsByItself() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            let daemon = try #require(await harness.daemon)
            try await limit(daemon, descriptors: 3)
            for number in 1...5 {
                try await harness.publish(
                    DaemonHarness.body("d\(number)", account: "acc\(number)", token: "album-d\(number)"))
            }
            try await eventually("the hold names it") {
                daemon.text.contains(/on hold.*cause=api_unavailable/)
            }
            let line = daemon.text.split(separator: "\n").first { $0.contains("cause=api_unavailable") } ?? ""
            #expect(line.contains("descriptors"), "\(line)")
            #expect(try harness.calls().isEmpty, "nothing was sent")
            try await limit(daemon, descriptors: 1_000)
            let results = try await harness.take("results", atLeast: 5).map(ReadResult.init)
            #expect(results.map(\.outcome) == Array(repeating: "left", count: 5))
            #expect(
                results.map { $0.json["attempts"]?.integer } == Array(repeating: 0, count: 5), "no attempt is spent")
            #expect(try harness.calls().count == 5)
            #expect(daemon.text.contains("hold lifted"))
            try await harness.stopInOrder()
            await harness.end()
        }

        /// A link that is lost meanwhile says what it lacks, and comes back by itself.
        @Test func aLinkWithoutADescriptorSaysSoAndComesBack() async throws {
            let broker = try await PrivateBroker()
            let harness = try await DaemonHarness(broker: broker)
            try await harness.start()
            try await harness.waitUntilConsuming()
            let daemon = try #require(await harness.daemon)
            try await limit(daemon, descriptors: 3)
            try await broker.closeAllConnections()
            try await eventually("the link says what it lacks") {
                daemon.text.contains(/lost the (consuming|publishing) connection.*file descriptors open/)
            }
            try await limit(daemon, descriptors: 1_000)
            let before = await harness.consumptions
            try await eventually("it consumes again") { await harness.consumptions > before }
            try await harness.publish(DaemonHarness.body("after", account: "acc1", token: "album-after"))
            #expect(try await harness.take("results", atLeast: 1).map(ReadResult.init).first?.outcome == "left")
            try await harness.stopInOrder()
            await harness.end()
        }

        /// A grant that nobody could read is no grant that is missing.
        @Test func aGrantThatCannotBeReadWaits() async throws {
            let harness = try await DaemonHarness()
            try harness.withStore()
            try await harness.control("grants", #"{"refreshToken":"very-secret","account":"acc1"}"#)
            try harness.directory.write("grants.jsonl", #"{"account":"acc1","refreshToken":"very-secret"}"# + "\n")
            let imported = try await harness.command(
                "credentials", "import", "--file", harness.directory.file("grants.jsonl").path)
            #expect(imported.ending == .exited(0), "\(imported.text)")
            try await harness.start()
            try await harness.waitUntilConsuming()
            let daemon = try #require(await harness.daemon)
            try await limit(daemon, descriptors: 3)
            try await harness.publish(DaemonHarness.body("g1", account: "acc1", token: "album-g1"))
            try await eventually("it waits") { try await harness.depth("retry.30s") == 1 }
            #expect(try await harness.depth("dead") == 0)
            try await limit(daemon, descriptors: 1_000)
            let history = try await harness.command("job", "g1")
            #expect(history.text.contains("Too many open files"), "\(history.text)")
            #expect(try await harness.depth("results") == 0, "and nothing was said of it yet")
            try await harness.stopInOrder()
            await harness.end()
        }

        @Test func aProgramForTokensGetsTheLimitOfBefore() async throws {
            let harness = try await DaemonHarness()
            let file = harness.directory.file("limit").path
            let token =
                #"{"version":1,"account":"acc1","access_token":"sim:acc1","token_type":"Bearer","#
                + #""expires_at":"2999-01-01T00:00:00Z"}"#
            try harness.directory.write(
                "tokens.sh", "cat >/dev/null; echo $(ulimit -Sn) $(ulimit -Hn) >\(file); echo '\(token)'\n")
            let settings = try String(contentsOf: harness.directory.file("d.toml"), encoding: .utf8)
                .replacingOccurrences(of: "providers = [\"static\"]", with: "providers = [\"exec\"]")
            try harness.directory.write(
                "d.toml",
                """
                \(settings)
                [credentials.exec]
                command = ["/bin/sh", "\(harness.directory.file("tokens.sh").path)"]
                """)
            try await harness.start(after: "ulimit -Sn 321; ulimit -Hn 2000")
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("e1", account: "acc1", token: "album-e1"))
            #expect(try await harness.take("results", atLeast: 1).map(ReadResult.init).first?.outcome == "left")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "321 2000\n")
            try await harness.stopInOrder()
            await harness.end()
        }
    }
}
