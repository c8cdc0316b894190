import AMQP
import Foundation
import JSON
import PrivateBroker
import Testing

extension KilledOnABroker {
    /// kill -9 on both sides of every named step of a job's path, which is what `ALBUMD_TEST_KILL` does.
    @Suite struct Kills {
        /// The steps that an ordinary job takes, and those of a job that fails twice and is parked, or that dies. A new
        /// job that may be called is claimed without a look.
        static let steps: [(step: String, needs: String)] = [
            ("decode", "leave"), ("look", "dead"), ("admit", "leave"), ("claim", "leave"), ("call", "leave"),
            ("record", "leave"), ("publish_result", "leave"), ("mark", "leave"), ("ack", "leave"),
            ("publish_letter", "dead"), ("publish_copy", "park"),
        ]

        /// Where a kill leaves an intent open: the album is asked, and called only if the user is still in it.
        static let cutOff: Set<String> = ["claim-after", "call-before", "call-after", "record-before"]

        @Test func aKillOnEitherSideOfAnyStepLosesNothing() async throws {
            let harness = try await DaemonHarness(settings: "[retry]\ndelays = [\"1s\", \"5s\"]\n")
            for (step, needs) in Self.steps {
                for side in ["before", "after"] {
                    let id = "\(step)-\(side)"
                    let token = "album-\(id)"
                    if needs == "park" {
                        try await harness.faults(
                            #"{"token":"\#(token)","count":2,"actions":[{"wording":"unavailable"}]}"#)
                    }
                    try await harness.publish(
                        DaemonHarness.body(id, account: needs == "dead" ? "nobody" : "acc1", token: token))
                    try await harness.start(environment: ["ALBUMD_TEST_KILL": "\(step):\(side):1"])
                    let ending = await harness.daemon?.wait()
                    let log = await harness.log
                    #expect(ending == .signalled(SIGKILL), "\(id): \(log)")
                    try await harness.workUntilIdle(results: 1)
                    let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
                    try check(id, needs, token, results, try harness.calls().filter { $0.token == token })
                }
            }
            // Each dead job has its letter; a kill between its confirm and its mark repeats it.
            let deadLetters = try await harness.take("dead", atLeast: 2)
            let dead = Set(
                deadLetters.compactMap { message -> String? in
                    guard case .complete(let body) = message.body else { return nil }
                    return (try? JSONValue.parse(body))?["jobId"]?.text
                })
            #expect(dead.isSuperset(of: ["publish_letter-before", "publish_letter-after"]))
            await harness.end()
        }

        private func check(
            _ id: String, _ needs: String, _ token: String, _ results: [ReadResult], _ calls: [DaemonHarness.Call]
        ) throws {
            #expect(Set(results.map(\.body)).count == 1, "\(id) has one body")
            #expect(Set(results.map(\.messageID)) == ["\(id)#0"], "\(id)")
            guard let result = results.first else { return }
            let effects = calls.filter { $0.effect == "left" }.count
            switch needs {
            case "dead":
                #expect(result.outcome == "failed" && result.reason == "credential_not_found", "\(id)")
                #expect(calls.isEmpty, "\(id)")
            case "park":
                let body = String(decoding: result.body, as: UTF8.self)
                #expect(result.outcome == "left" && effects == 1, "\(id): \(body)")
                #expect(calls.count == 3, "\(id): \(calls)")
            default:
                #expect(effects == 1, "\(id): the user left once")
                if Self.cutOff.contains(id) {
                    #expect(["left", "already_left"].contains(result.outcome), "\(id): \(result.outcome)")
                    #expect(result.effect == "left" && calls.count == 1, "\(id): \(calls.count) calls")
                } else {
                    #expect(result.outcome == "left" && calls.count == 1, "\(id): \(result.outcome)")
                }
            }
        }

        /// The commit that claims a newer generation has the older one's result in it. What a kill leaves unpublished
        /// of that nobody delivers: the sweep at the start publishes it.
        @Test(
            "a kill after a claim has closed the older generation loses neither's result",
            arguments: ["claim:after:1", "publish_result:before:1", "publish_result:after:1", "mark:before:1"])
        func closedGeneration(_ step: String) async throws {
            let harness = try await DaemonHarness()
            // Of the older generation only the intent is left, and its message is gone.
            try await harness.publish(DaemonHarness.body("a", account: "acc1", token: "album-a"))
            try await killed(harness, at: "claim:after:1")
            _ = try await harness.take("jobs", atLeast: 1)
            var properties = Properties()
            properties.headers = FieldTable()
            properties.headers?.append("x-leave-album-generation", .integer(1))
            let newer = Publication(
                exchange: "", routingKey: "\(harness.prefix).due", properties: properties,
                body: DaemonHarness.body("a", account: "acc1", token: "album-a"))
            #expect(await harness.publisher.publish(newer) == .confirmed)
            try await killed(harness, at: step)

            try await harness.workUntilIdle(results: 2)
            let results = try await harness.take("results", atLeast: 2).map(ReadResult.init)
            let byMessage = Dictionary(grouping: results, by: \.messageID)
            #expect(Set(byMessage.keys) == ["a#0", "a#1"])
            #expect(byMessage.values.allSatisfy { Set($0.map(\.body)).count == 1 }, "one body for each message-id")
            #expect(byMessage["a#0"]?.first?.reason == "poison")
            #expect(byMessage["a#1"]?.first?.effect == "left")
            #expect(try harness.calls().filter { $0.effect == "left" }.count == 1)
            await harness.end()
        }

        private func killed(_ harness: DaemonHarness, at step: String) async throws {
            try await harness.start(environment: ["ALBUMD_TEST_KILL": step])
            let ending = await harness.daemon?.wait()
            let log = await harness.log
            #expect(ending == .signalled(SIGKILL), "\(step): \(log)")
        }

        @Test func twentyRandomKillsLoseNothing() async throws {
            let jobs = 1_000
            let harness = try await DaemonHarness(accounts: 100, simulatorOptions: ["--latency", "5"])
            var random = SystemRandomNumberGenerator()
            for number in 0..<jobs {
                try await harness.publish(
                    DaemonHarness.body("r\(number)", account: "acc\(number % 100 + 1)", token: "album-r\(number)"))
            }
            var kills = 0
            while kills < 20 {
                try await harness.start()
                try await harness.waitUntilConsuming()
                // On a slow machine a job could be in flight at death after death, and be given up as what kills: so
                // every other life gets through what the ones before had in flight.
                let before = try harness.calls().count
                if kills.isMultiple(of: 2), before < jobs / 2 {
                    try await eventually("calls are made") { try harness.calls().count >= before + 40 }
                }
                try await Task.sleep(for: .milliseconds(Int.random(in: 20...150, using: &random)))
                await harness.daemon?.signal(SIGKILL)
                _ = await harness.daemon?.wait()
                kills += 1
            }
            try await harness.start()
            let results = try await harness.take("results", atLeast: jobs).map(ReadResult.init)
            let byMessage = Dictionary(grouping: results, by: \.messageID)
            #expect(byMessage.count == jobs)
            #expect(byMessage.values.allSatisfy { Set($0.map(\.body)).count == 1 }, "one body for each message-id")
            let calls = try harness.calls()
            let effects = calls.filter { $0.effect == "left" }
            #expect(effects.count == jobs, "every user left once")
            #expect(Set(effects.map(\.token)).count == jobs)
            let others = results.filter { $0.effect != "left" }.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(others.isEmpty, "the album settles what a kill left in doubt")
            // A call that outlives its daemon may come to its turn behind the next daemon's question; its user leaves once.
            let questions = Dictionary(grouping: try harness.calls(of: "get"), by: \.token).mapValues(\.count)
            let called = Dictionary(grouping: calls, by: \.token).mapValues(\.count)
            #expect(called.allSatisfy { $0.value <= 1 + questions[$0.key, default: 0] }, "none twice unasked")
            // At most 32 intents are open at a kill, and each costs one question, or two if that is killed as well.
            #expect(try harness.calls(of: "get").count <= 64 * kills)
            await harness.end()
        }
    }
}
