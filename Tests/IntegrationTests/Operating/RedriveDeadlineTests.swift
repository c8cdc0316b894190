import Clocks
import Foundation
import JSON
import PrivateBroker
import Testing

extension OperatingOnABroker {
    /// A dead letter whose deadline has passed: what an operator is told, and how its job runs again.
    @Suite struct RedriveDeadline {
        private static let passed = #","deadline":"2026-11-23T19:50:00Z""#

        private func lines(_ text: String) -> [JSONValue] {
            text.split(separator: "\n").compactMap { try? JSONValue.parse(Array($0.utf8)) }
        }

        @Test func anotherDeadlineLetsItsJobRunThroughParkingsAndAKill() async throws {
            let harness = try await DaemonHarness()
            try await harness.faults(#"{"token":"album-slow","actions":[{"wording":"aborted"}]}"#)
            try await harness.start()
            try await harness.waitUntilConsuming()
            for name in ["slow", "none", "kept"] {
                let body = DaemonHarness.body(name, account: "acc1", token: "album-\(name)", more: Self.passed)
                try await harness.publish(body)
            }
            let ended = try await harness.take("results", atLeast: 3).map(ReadResult.init)
            #expect(ended.map(\.reason) == Array(repeating: "deadline_exceeded", count: 3))
            try await eventually("all letters lie there") { try await harness.depth("dead") == 3 }

            // Without another deadline each stays, and its line says what to do.
            let dry = try await harness.command("dead", "redrive", "--all", "--dry-run")
            #expect(dry.ending == .exited(1) && dry.text.contains("0 would run again, 3 would stay"), "\(dry.text)")
            #expect(dry.text.contains("its deadline 2026-11-23T19:50:00.000Z has passed"), "\(dry.text)")
            #expect(dry.text.contains("--deadline none"))
            try await eventually("they are back") { try await harness.depth("dead") == 3 }
            let refused = try await harness.command("dead", "redrive", "--all")
            #expect(refused.ending == .exited(1) && refused.text.contains("3 stay"), "\(refused.text)")
            try await eventually("they are back") { try await harness.depth("dead") == 3 }
            for wrong in ["2026-11-23T19:50:00Z", "tomorrow", "2h"] {
                let answer = try await harness.command("dead", "redrive", "--all", "--deadline", wrong)
                #expect(answer.ending == .exited(64), "\(answer.text)")
            }
            let shown = try await harness.command("dead", "show", "none")
            #expect(shown.text.contains("which has passed"), "\(shown.text)")
            try await eventually("they are back") { try await harness.depth("dead") == 3 }

            let later = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000) + 86_400_000).rfc3339
            let planned = try await harness.command(
                "dead", "redrive", "--job", "slow", "--deadline", later, "--dry-run", "--json")
            #expect(lines(planned.text).first?["plan"]?.text == "runs again as generation 1, with deadline \(later)")
            #expect(lines(planned.text).first?["redriven"] == .bool(false))
            try await eventually("they are back") { try await harness.depth("dead") == 3 }
            let first = try await harness.command("dead", "redrive", "--job", "none", "--deadline", "none")
            #expect(first.ending == .exited(0) && first.text.contains("1 run again"), "\(first.text)")
            let left = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(left.map(\.messageID) == ["none#1"] && left.first?.outcome == "left")

            // Parked, by a daemon that is killed then: the copy has the deadline, and the next daemon believes it.
            let second = try await harness.command("dead", "redrive", "--job", "slow", "--deadline", later)
            #expect(second.ending == .exited(0), "\(second.text)")
            try await eventually("its copy is parked") { try await harness.depth("retry.5s") == 1 }
            let daemon = await harness.daemon
            daemon?.signal(SIGKILL)
            _ = await daemon?.wait()
            try await harness.clearFaults()
            try await harness.start()
            let again = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(Set(again.map(\.messageID)) == ["slow#1"] && again.first?.outcome == "left")
            let history = try await harness.command("job", "slow")
            #expect(history.text.contains("as generation 1, with deadline \(later)"), "\(history.text)")
            #expect(try await harness.depth("dead") == 1, "the third stays")
            await harness.end()
        }
    }
}
