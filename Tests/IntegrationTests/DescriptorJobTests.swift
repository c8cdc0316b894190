import Foundation
import JSON
import PrivateBroker
import Testing

extension OnABroker {
    /// What becomes of jobs while there is no descriptor, and of programs that the daemon starts.
    @Suite(.timeLimit(.minutes(3))) struct DescriptorJobs {
        @Test func theHoldSaysThatDescriptorsAreMissingAndLiftsByItself() async throws {
            let stage = try await Stage()
            try await stage.start()
            try await stage.waitUntilConsuming()
            let daemon = try #require(await stage.daemon)
            try await limit(daemon, descriptors: 3)
            for number in 1...5 {
                try await stage.publish(
                    Stage.body("d\(number)", account: "acc\(number)", token: "album-d\(number)"))
            }
            try await eventually("the hold names it") {
                daemon.text.contains(/on hold.*cause=api_unavailable/)
            }
            let line = daemon.text.split(separator: "\n").first { $0.contains("cause=api_unavailable") } ?? ""
            #expect(line.contains("descriptors"), "\(line)")
            #expect(try stage.calls().isEmpty, "nothing was sent")
            try await limit(daemon, descriptors: 1_000)
            let results = try await stage.take("results", atLeast: 5, seconds: 60).map(ReadResult.init)
            #expect(results.map(\.outcome) == Array(repeating: "left", count: 5))
            #expect(
                results.map { $0.json["attempts"]?.integer } == Array(repeating: 0, count: 5), "no attempt is spent")
            #expect(try stage.calls().count == 5)
            #expect(daemon.text.contains("hold lifted"))
            try await stage.stopInOrder()
            await stage.end()
        }

        /// A link that is lost meanwhile says what it lacks, and comes back by itself.
        @Test func aLinkWithoutADescriptorSaysSoAndComesBack() async throws {
            let broker = try await PrivateBroker()
            let stage = try await Stage(broker: broker)
            try await stage.start()
            try await stage.waitUntilConsuming()
            let daemon = try #require(await stage.daemon)
            try await limit(daemon, descriptors: 3)
            try await broker.closeAllConnections()
            try await eventually("the link says what it lacks") {
                daemon.text.contains(/lost the (consuming|publishing) connection.*file descriptors open/)
            }
            try await limit(daemon, descriptors: 1_000)
            let before = await stage.consumptions
            try await eventually("it consumes again") { await stage.consumptions > before }
            try await stage.publish(Stage.body("after", account: "acc1", token: "album-after"))
            #expect(try await stage.take("results", atLeast: 1).map(ReadResult.init).first?.outcome == "left")
            try await stage.stopInOrder()
            await stage.end()
        }

        /// A grant that nobody could read is no grant that is missing.
        @Test func aGrantThatCannotBeReadWaits() async throws {
            let stage = try await Stage()
            try stage.withStore()
            try await stage.control("grants", #"{"refreshToken":"very-secret","account":"acc1"}"#)
            try stage.directory.write("grants.jsonl", #"{"account":"acc1","refreshToken":"very-secret"}"# + "\n")
            let imported = try await stage.command(
                "credentials", "import", "--file", stage.directory.file("grants.jsonl").path)
            #expect(imported.ending == .exited(0), "\(imported.text)")
            try await stage.start()
            try await stage.waitUntilConsuming()
            let daemon = try #require(await stage.daemon)
            try await limit(daemon, descriptors: 3)
            try await stage.publish(Stage.body("g1", account: "acc1", token: "album-g1"))
            try await eventually("it waits") { try await stage.depth("retry.30s") == 1 }
            #expect(try await stage.depth("dead") == 0)
            try await limit(daemon, descriptors: 1_000)
            let story = try await stage.command("job", "g1")
            #expect(story.text.contains("Too many open files"), "\(story.text)")
            #expect(try await stage.depth("results") == 0, "and nothing was said of it yet")
            try await stage.stopInOrder()
            await stage.end()
        }

        @Test func aProgramForTokensGetsTheLimitOfBefore() async throws {
            let stage = try await Stage()
            let file = stage.directory.file("limit").path
            let token =
                #"{"version":1,"account":"acc1","access_token":"sim:acc1","token_type":"Bearer","#
                + #""expires_at":"2999-01-01T00:00:00Z"}"#
            try stage.directory.write(
                "tokens.sh", "cat >/dev/null; echo $(ulimit -Sn) $(ulimit -Hn) >\(file); echo '\(token)'\n")
            let settings = try String(contentsOf: stage.directory.file("d.toml"), encoding: .utf8)
                .replacingOccurrences(of: "providers = [\"static\"]", with: "providers = [\"exec\"]")
            try stage.directory.write(
                "d.toml",
                """
                \(settings)
                [credentials.exec]
                command = ["/bin/sh", "\(stage.directory.file("tokens.sh").path)"]
                """)
            try await stage.start(after: "ulimit -Sn 321; ulimit -Hn 2000")
            try await stage.waitUntilConsuming()
            try await stage.publish(Stage.body("e1", account: "acc1", token: "album-e1"))
            #expect(try await stage.take("results", atLeast: 1).map(ReadResult.init).first?.outcome == "left")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "321 2000\n")
            try await stage.stopInOrder()
            await stage.end()
        }
    }
}
