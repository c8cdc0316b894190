import Foundation
import JSON
import PrivateBroker
import Testing

extension OnABroker {
    /// A flood of one account that was published before everybody else's jobs, at a real broker.
    @Suite struct Fairness {
        private static let flood = 600
        private static let others = 100
        private static let moves = #"leave_album_steps_aside_total{cause="turn"}"#

        /// After the flood one job each of a hundred accounts; no account has a limit.
        @Test func othersDoNotWaitForAFloodThatWasThereBefore() async throws {
            let harness = try await DaemonHarness(
                accounts: Self.others + 1,
                settings: "[worker]\nconcurrency = 8\n[retry]\ndelays = [\"1s\", \"5s\"]\n",
                simulatorOptions: ["--latency", "20"])
            for number in 0..<Self.flood {
                try await harness.publish(DaemonHarness.body("f\(number)", account: "acc1", token: "album-f\(number)"))
            }
            for number in 0..<Self.others {
                try await harness.publish(
                    DaemonHarness.body("o\(number)", account: "acc\(number + 2)", token: "album-o\(number)"))
            }
            let reader = try ResultReader(harness)
            try await harness.start()
            try await harness.waitUntilConsuming()
            let began = Date()
            try await eventually("the others have their results") {
                reader.all.count { $0.jobID?.hasPrefix("o") == true } == Self.others
            }
            let took = Date().timeIntervalSince(began)
            let before = reader.all.count { $0.jobID?.hasPrefix("f") == true }
            let moved = Int(try await harness.metric(Self.moves) ?? "0") ?? 0
            print(
                "\(Self.others) others in \(took) s behind \(Self.flood) jobs, of which \(before) ended before; \(moved) moves"
            )
            #expect(before <= Self.flood / 3, "one call at a time, beside eight")
            #expect(moved >= Self.flood / 2)
            try await eventually("every job has its result") {
                reader.jobs == Self.flood + Self.others
            }
            try await eventually("nothing waits") { try await harness.isQuiet() }
            let moves = Int(try await harness.metric(Self.moves) ?? "0") ?? 0
            print("all in \(Date().timeIntervalSince(began)) s, \(moves) moves")
            let usual = reader.all.filter { $0.outcome == "left" && $0.json["attempts"]?.integer == 0 }
            #expect(usual.count == reader.all.count && reader.all.count == Self.flood + Self.others)
            #expect(try harness.calls().count == Self.flood + Self.others, "one call each")
            reader.stop()
            try await harness.stopInOrder()
            await harness.end()
        }
    }
}
