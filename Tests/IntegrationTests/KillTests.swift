import AMQP
import Foundation
import Jobs
import PrivateBroker
import Testing

extension OnABroker {
    /// kill -9 on both sides of every named step of a job's path, which is what `ALBUMD_TEST_KILL` does.
    @Suite struct Kills {
        /// The steps that an ordinary job takes, and those of a job that fails twice and is parked, or that dies.
        static let steps: [(step: String, needs: String)] = [
            ("decode", "leave"), ("look", "leave"), ("admit", "leave"), ("claim", "leave"), ("call", "leave"),
            ("record", "leave"), ("publish_result", "leave"), ("mark", "leave"), ("ack", "leave"),
            ("publish_letter", "dead"), ("publish_copy", "park"),
        ]

        @Test func aKillOnEitherSideOfAnyStepLosesNothing() async throws {
            let stage = try await Stage(settings: "[retry]\ndelays = [\"1s\", \"5s\"]\n")
            var expected: [String: String] = [:]
            var kills = 0
            for (step, needs) in Self.steps {
                for side in ["before", "after"] {
                    let id = "\(step)-\(side)"
                    switch needs {
                    case "dead":
                        // An unknown album: the API refuses, and the job dies with a letter.
                        expected[id] = "failed"
                        try await stage.publish(Stage.body(id, account: "acc1", token: "unknown-\(id)"))
                    case "park":
                        expected[id] = "left"
                        try await stage.faults(
                            #"{"token":"album-\#(id)","count":2,"actions":[{"wording":"unavailable"}]}"#)
                        try await stage.publish(Stage.body(id, account: "acc1", token: "album-\(id)"))
                    default:
                        expected[id] = "left"
                        try await stage.publish(Stage.body(id, account: "acc1", token: "album-\(id)"))
                    }
                    try await stage.start(environment: ["ALBUMD_TEST_KILL": "\(step):\(side):1"])
                    let ending = await stage.daemon?.wait(seconds: 60)
                    let log = await stage.log
                    #expect(ending == .signalled(SIGKILL), "\(id): \(log)")
                    kills += 1
                }
            }
            try await stage.start()
            let results = try await stage.take("results", atLeast: expected.count, seconds: 90).map(ReadResult.init)
            try await eventually("nothing waits any more") {
                for queue in ["jobs", "due", "retry.1s", "retry.5s", "broken"] where try await stage.depth(queue) != 0 {
                    return false
                }
                return true
            }
            let byJob = Dictionary(grouping: results) { $0.jobID ?? "" }
            for (id, outcome) in expected {
                let bodies = Set((byJob[id] ?? []).map(\.body))
                #expect(bodies.count == 1, "\(id) has \(bodies.count) different results")
                // A call that was cut off and is refused at its repetition is not known to have failed.
                let outcomes = Set((byJob[id] ?? []).map(\.outcome))
                let wasCut = ["call-after", "claim-after", "call-before", "record-before"].contains(id)
                #expect(outcomes == [outcome] || (wasCut && outcomes == ["failed"]), "\(id): \(outcomes)")
                if outcomes == ["failed"], wasCut { #expect(byJob[id]?.first?.effect == "unknown", "\(id)") }
            }
            let calls = try stage.calls()
            // Each job's own calls: one, or three where it was parked; and one more for each kill at most.
            let needed = Self.steps.reduce(0) { $0 + ($1.needs == "park" ? 6 : 2) }
            #expect(calls.count <= needed + kills)
            let letters = try await stage.take("dead", atLeast: 2)
            #expect(letters.count >= 2)
            await stage.end()
        }

        @Test func twentyRandomKillsLoseNothing() async throws {
            let jobs = 1_000
            let stage = try await Stage(accounts: 100, simulatorOptions: ["--latency", "5"])
            var random = SystemRandomNumberGenerator()
            for number in 0..<jobs {
                try await stage.publish(
                    Stage.body("r\(number)", account: "acc\(number % 100 + 1)", token: "album-r\(number)"))
            }
            var kills = 0
            while kills < 20 {
                try await stage.start()
                try await stage.waitUntilConsuming()
                try await Task.sleep(for: .milliseconds(Int.random(in: 20...150, using: &random)))
                await stage.daemon?.signal(SIGKILL)
                _ = await stage.daemon?.wait(seconds: 10)
                kills += 1
            }
            try await stage.start()
            let results = try await stage.take("results", atLeast: jobs, seconds: 120).map(ReadResult.init)
            let byMessage = Dictionary(grouping: results, by: \.messageID)
            #expect(byMessage.count == jobs)
            #expect(byMessage.values.allSatisfy { Set($0.map(\.body)).count == 1 }, "one body for each message-id")
            let calls = try stage.calls()
            let effects = calls.filter { $0.effect == "left" }
            #expect(effects.count == jobs, "every user left once")
            #expect(Set(effects.map(\.token)).count == jobs)
            let succeeded = byMessage.values.filter { $0.first?.outcome == "left" }.count
            let unknown = byMessage.values.filter { $0.first?.effect == "unknown" }.count
            #expect(succeeded + unknown == jobs, "what is not known to have succeeded is said to be unknown")
            // At most 32 intents are open at a kill.
            #expect(calls.count - jobs <= 32 * kills)
            await stage.end()
        }
    }
}
