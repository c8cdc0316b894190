import Foundation
import JSON
import PrivateBroker
import Testing

extension OperatingOnABroker {
    /// An operator's last word, through the control socket and through the file.
    @Suite struct Cancelling {
        private func calls(_ harness: DaemonHarness, _ token: String) throws -> Int {
            try harness.calls().count { $0.token == token }
        }

        @Test func aJobIsEndedThroughTheRunningDaemon() async throws {
            // So long that it lies there while a slow machine runs some commands.
            let harness = try await DaemonHarness(settings: "[retry]\ndelays = [\"10s\"]\n")
            try await harness.faults(#"{"token":"album-slow","actions":[{"wording":"aborted"}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("slow", account: "acc1", token: "album-slow"))
            try await eventually("it is parked") { try await harness.depth("retry.10s") == 1 }
            let before = try calls(harness, "album-slow")

            // A message is a publisher's word, whatever it says: the job goes on.
            try await harness.publish(Array(#"{"jobId":"slow","force":true}"#.utf8), key: "cancel")
            try await eventually("the cancel is read") { try await harness.depth("cancel") == 0 }
            #expect(try await harness.command("job", "slow", "--json").text.contains(#""state":"parked""#))

            let ended = try await harness.command("cancel", "slow", "--force", "--json")
            #expect(ended.ending == .exited(0), "\(ended.text)")
            let answer = try JSONValue.parse(Array(ended.text.utf8))
            #expect(answer["state"]?.text == "ended" && answer["effect"]?.text == "unknown")
            #expect(answer["published"]?.bool == true)
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.map(\.reason) == ["cancelled"] && results[0].effect == "unknown")
            try await eventually("its copy came, and its letter is there") { try await harness.depth("dead") == 1 }
            #expect(try calls(harness, "album-slow") == before)
            let again = try await harness.command("cancel", "slow", "--force")
            #expect(again.ending == .exited(1) && again.text.contains("ended before"), "\(again.text)")
            try await eventually("its story says who") {
                try await harness.command("job", "slow").text.contains("for good, by uid \(getuid())")
            }

            // The next generation may be had, and is nobody's to fear: the word was for the one before.
            try await harness.clearFaults()
            #expect(try await harness.command("dead", "redrive", "--job", "slow").ending == .exited(0))
            let next = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(next.map(\.messageID) == ["slow#1"] && next[0].outcome == "left")

            let unknown = try await harness.command("cancel", "ghost", "--force")
            #expect(unknown.ending == .exited(0) && unknown.text.contains("when it comes"), "\(unknown.text)")
            await harness.end()
        }

        @Test func aCallInFlightHasTheLastWord() async throws {
            let harness = try await DaemonHarness()
            try await harness.faults(
                #"{"token":"album-flight","count":1,"actions":[{"fault":"delay","applied":true,"milliseconds":6000}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("flight", account: "acc1", token: "album-flight"))
            try await eventually("it is in flight") {
                try await harness.command("job", "flight", "--json").text.contains(#""state":"calling""#)
            }
            let answered = try await harness.command("cancel", "flight", "--force")
            #expect(answered.ending == .exited(0) && answered.text.contains("ended: left"), "\(answered.text)")
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.map(\.outcome) == ["left"])
            #expect(try await harness.depth("dead") == 0)
            await harness.end()
        }

        /// The daemon died in the call, and does not run.
        @Test func aJobIsEndedInTheFileAndItsDeadLetterFollows() async throws {
            let harness = try await DaemonHarness()
            try await harness.faults(
                #"{"token":"album-cut","actions":[{"fault":"delay","applied":false,"milliseconds":60000}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("cut", account: "acc1", token: "album-cut"))
            try await eventually("it is in flight") {
                try await harness.command("job", "cut", "--json").text.contains(#""state":"calling""#)
            }
            let daemon = await harness.daemon
            daemon?.signal(SIGKILL)
            _ = await daemon?.wait()

            let ended = try await harness.command("cancel", "cut", "--force")
            #expect(ended.ending == .exited(0), "\(ended.text)")
            #expect(ended.text.contains("failed, cancelled, effect unknown"), "\(ended.text)")
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.map(\.messageID) == ["cut#0"] && !results[0].isReplayed)
            #expect(try await harness.command("ledger", "stats", "--json").text.contains(#""unpublishedResults":0"#))

            try await harness.clearFaults()
            try await harness.start()
            try await eventually("its message came, and its letter is there") { try await harness.depth("dead") == 1 }
            #expect(try await harness.depth("results") == 0, "the result was out")
            #expect(try calls(harness, "album-cut") == 1)
            try await harness.stopInOrder()
            await harness.end()
        }
    }
}
