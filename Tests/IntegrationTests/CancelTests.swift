import Foundation
import JSON
import PrivateBroker
import Testing

extension OnABroker {
    /// An operator's last word, through the control socket and through the file.
    @Suite struct Cancelling {
        private func calls(_ stage: Stage, _ token: String) throws -> Int {
            try stage.calls().count { $0.token == token }
        }

        @Test func aJobIsEndedThroughTheRunningDaemon() async throws {
            let stage = try await Stage()
            try await stage.faults(#"{"token":"album-slow","actions":[{"wording":"aborted"}]}"#)
            try await stage.start()
            try await stage.waitUntilConsuming()
            try await stage.publish(Stage.body("slow", account: "acc1", token: "album-slow"))
            try await eventually("it is parked") { try await stage.depth("retry.5s") == 1 }
            let before = try calls(stage, "album-slow")

            // A message is a publisher's word, whatever it says: the job goes on.
            try await stage.publish(Array(#"{"jobId":"slow","force":true}"#.utf8), key: "cancel")
            try await eventually("the cancel is read") { try await stage.depth("cancel") == 0 }
            #expect(try await stage.command("job", "slow", "--json").text.contains(#""state":"parked""#))

            let ended = try await stage.command("cancel", "slow", "--force", "--json")
            #expect(ended.ending == .exited(0), "\(ended.text)")
            let answer = try JSONValue.parse(Array(ended.text.utf8))
            #expect(answer["state"]?.text == "ended" && answer["effect"]?.text == "unknown")
            #expect(answer["published"]?.bool == true)
            let results = try await stage.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.map(\.reason) == ["cancelled"] && results[0].effect == "unknown")
            try await eventually("its copy came, and its letter is there") { try await stage.depth("dead") == 1 }
            #expect(try calls(stage, "album-slow") == before)
            let again = try await stage.command("cancel", "slow", "--force")
            #expect(again.ending == .exited(1) && again.text.contains("ended before"), "\(again.text)")
            try await eventually("its story says who") {
                try await stage.command("job", "slow").text.contains("for good, by uid \(getuid())")
            }

            // The next generation may be had, and is nobody's to fear: the word was for the one before.
            try await stage.clearFaults()
            #expect(try await stage.command("dead", "redrive", "--job", "slow").ending == .exited(0))
            let next = try await stage.take("results", atLeast: 1).map(ReadResult.init)
            #expect(next.map(\.messageID) == ["slow#1"] && next[0].outcome == "left")

            let unknown = try await stage.command("cancel", "ghost", "--force")
            #expect(unknown.ending == .exited(0) && unknown.text.contains("when it comes"), "\(unknown.text)")
            await stage.end()
        }

        @Test func aCallInFlightHasTheLastWord() async throws {
            let stage = try await Stage()
            try await stage.faults(
                #"{"token":"album-flight","count":1,"actions":[{"fault":"delay","applied":true,"milliseconds":3000}]}"#)
            try await stage.start()
            try await stage.waitUntilConsuming()
            try await stage.publish(Stage.body("flight", account: "acc1", token: "album-flight"))
            try await eventually("it is in flight") {
                try await stage.command("job", "flight", "--json").text.contains(#""state":"calling""#)
            }
            let answered = try await stage.command("cancel", "flight", "--force")
            #expect(answered.ending == .exited(0) && answered.text.contains("ended: left"), "\(answered.text)")
            let results = try await stage.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.map(\.outcome) == ["left"])
            #expect(try await stage.depth("dead") == 0)
            await stage.end()
        }

        /// The daemon died in the call, and does not run.
        @Test func aJobIsEndedInTheFileAndItsLetterFollows() async throws {
            let stage = try await Stage()
            try await stage.faults(
                #"{"token":"album-cut","actions":[{"fault":"delay","applied":false,"milliseconds":60000}]}"#)
            try await stage.start()
            try await stage.waitUntilConsuming()
            try await stage.publish(Stage.body("cut", account: "acc1", token: "album-cut"))
            try await eventually("it is in flight") {
                try await stage.command("job", "cut", "--json").text.contains(#""state":"calling""#)
            }
            let daemon = await stage.daemon
            daemon?.signal(SIGKILL)
            _ = await daemon?.wait(seconds: 10)

            let ended = try await stage.command("cancel", "cut", "--force")
            #expect(ended.ending == .exited(0), "\(ended.text)")
            #expect(ended.text.contains("failed, cancelled, effect unknown"), "\(ended.text)")
            let results = try await stage.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.map(\.messageID) == ["cut#0"] && !results[0].isReplayed)
            #expect(try await stage.command("ledger", "stats", "--json").text.contains(#""unpublishedResults":0"#))

            try await stage.clearFaults()
            try await stage.start()
            try await eventually("its message came, and its letter is there") { try await stage.depth("dead") == 1 }
            #expect(try await stage.depth("results") == 0, "the result was out")
            #expect(try calls(stage, "album-cut") == 1)
            try await stage.stopInOrder()
            await stage.end()
        }
    }
}
