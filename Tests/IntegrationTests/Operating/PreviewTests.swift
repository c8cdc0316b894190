import AMQP
import Foundation
import JSON
import PrivateBroker
import Testing

extension OperatingOnABroker {
    /// The look at jobs that wait: it says what would become of them, and does nothing to them.
    @Suite struct Preview {
        private func lines(_ text: String) -> [JSONValue] {
            text.split(separator: "\n").compactMap { try? JSONValue.parse(Array($0.utf8)) }
        }

        /// Of what lies in `jobs`, `bulk` and `due`.
        private func ready(_ harness: DaemonHarness) async throws -> Int {
            var total = 0
            for queue in ["jobs", "bulk", "due"] { total += try await harness.depth(queue) }
            return total
        }

        @Test func whatWaitsIsShownAndGivenBackHoweverOften() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            try await harness.publish(DaemonHarness.body("done", account: "acc1", token: "album-done"))
            _ = try await harness.take("results", atLeast: 1)
            let consumed = try await harness.command("preview")
            #expect(consumed.ending == .exited(0) && consumed.text.contains("is consumed"), "\(consumed.text)")
            try await harness.stopInOrder()
            let empty = try await harness.command("preview")
            #expect(empty.ending == .exited(0) && empty.text.contains("no job waits"), "\(empty.text)")

            let passed = #","deadline":"2026-11-23T19:50:00Z""#
            try await harness.publish(DaemonHarness.body("done", account: "acc1", token: "album-done"))
            try await harness.publish(DaemonHarness.body("new", account: "acc2", token: "album-new"))
            try await harness.publish(DaemonHarness.body("late", account: "acc3", token: "album-late", more: passed))
            try await harness.publish(DaemonHarness.body("other", account: "acc4", token: "album-4"), key: "leave.bulk")
            try await harness.publish(Array(#"{"jobId":"bad","account":7,"shareToken":"t"}"#.utf8))
            try await eventually("all wait") { try await ready(harness) == 5 }
            let first = try await harness.command("preview", "--json")
            #expect(first.ending == .exited(0) && first.text.contains("5 of 5 messages"), "\(first.text)")
            #expect(!first.text.contains("album-"), "a share token is nobody's to read")
            let fates = Dictionary(
                lines(first.text).map { ($0["jobId"]?.text ?? "-", $0["fate"]?.text) }, uniquingKeysWith: { $1 })
            #expect(
                fates == ["done": "replayed", "new": "calls", "late": "failed", "other": "calls", "bad": "rejected"])
            #expect(lines(first.text).first { $0["jobId"]?.text == "other" }?["lane"]?.text == "bulk")
            try await eventually("they are back") { try await ready(harness) == 5 }
            let two = try await harness.command("preview", "--limit", "2")
            #expect(two.text.contains("2 of 5 messages"), "\(two.text)")
            #expect(try await harness.command("preview", "--limit", "101").ending == .exited(64))

            // A worker sets a message apart at 10 deliveries, and the broker gives it up at 20.
            for _ in 0..<12 {
                try await eventually("they are back") { try await ready(harness) == 5 }
                let look = try await harness.command("preview")
                #expect(look.ending == .exited(0), "\(look.text)")
            }
            // Nor does it matter when one is killed.
            for pause in [0, 100, 200, 300, 400] {
                let preview = try ChildProcess(
                    [
                        DaemonHarness.products.appendingPathComponent("leave-albumd").path, "preview", "--config",
                        harness.directory.file("d.toml").path,
                    ], output: harness.directory.file("preview.out"))
                try await Task.sleep(for: .milliseconds(pause))
                preview.signal(SIGKILL)
                _ = await preview.wait()
            }
            try await eventually("they are back") { try await ready(harness) >= 5 }
            #expect(try await harness.depth("broken") == 0)
            let last = try await harness.command("preview", "--json")
            let words = lines(last.text).map { $0["fate"]?.text }
            #expect(words.count >= 5 && words.allSatisfy { $0 == "left_alone" }, "\(last.text)")
            #expect(lines(last.text).allSatisfy { $0["deliveries"]?.integer ?? 0 < 10 }, "\(last.text)")
            #expect(try harness.calls().count == 1, "nothing was called but what had been done")

            try await harness.start()
            // A kill may have left one twice, whose second gets its result as a replay.
            let results = try await harness.take("results", atLeast: 5).map(ReadResult.init)
            let outcomes = Dictionary(
                results.map { ($0.jobID ?? "-", $0.reason ?? $0.outcome) }, uniquingKeysWith: { $1 })
            #expect(
                outcomes == [
                    "done": "left", "new": "left", "late": "deadline_exceeded", "other": "left",
                    "bad": "malformed_job",
                ])
            #expect(try harness.calls().filter { $0.effect == "left" }.count == 3, "each once")
            await harness.end()
        }

        @Test func aHoldIsSaidWhileTheDaemonLeavesTheQueuesAlone() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            #expect(try await harness.command("pause").ending == .exited(0))
            try await harness.publish(DaemonHarness.body("one", account: "acc1", token: "album-one"))
            try await eventually("nobody consumes") {
                try await harness.session.inspect(queue: "\(harness.prefix).jobs")?.consumers == 0
            }
            try await eventually("it waits") { try await ready(harness) == 1 }
            let held = try await harness.command("preview", "--json")
            let job = lines(held.text).first { $0["jobId"]?.text == "one" }
            #expect(job?["fate"]?.text == "calls", "\(held.text)")
            #expect(job?["holds"] == .array([.text("operator_paused")]), "\(held.text)")
            let text = try await harness.command("preview")
            #expect(text.text.contains("held by operator_paused"), "\(text.text)")
            #expect(try await harness.command("resume").ending == .exited(0))
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.first?.outcome == "left")
            await harness.end()
        }
    }
}
