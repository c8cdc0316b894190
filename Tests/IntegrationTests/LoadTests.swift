import AMQP
import Clocks
import Foundation
import Jobs
import Ledger
import PrivateBroker
import SQLiteLedger
import Testing

extension OnABroker {
    /// Many jobs at once, and what may happen meanwhile.
    @Suite struct Load {
        /// `LEAVE_ALBUMD_TEST_JOBS` asks for more than what is quick.
        static var jobs: Int {
            ProcessInfo.processInfo.environment["LEAVE_ALBUMD_TEST_JOBS"].flatMap(Int.init) ?? 2_000
        }

        @Test func manyJobsWithDuplicatesAreOneCallAndOneResultEach() async throws {
            try await manyJobs(kills: 0)
        }

        @Test func manyJobsWithDuplicatesAndTwentyKillsLoseNothing() async throws {
            try await manyJobs(kills: 20)
        }

        private func manyJobs(kills: Int) async throws {
            let jobs = Self.jobs
            let accounts = max(10, jobs / 10)
            let harness = try await DaemonHarness(
                accounts: accounts, settings: "[retry]\ndelays = [\"1s\", \"5s\"]\n",
                simulatorOptions: kills > 0 ? ["--latency", "2"] : [])
            // Every twentieth comes twice: together with the original, while that is parked, or after its result.
            let repeated = Array(stride(from: 0, to: jobs, by: 20))
            let thirds = (0..<3).map { third in repeated.enumerated().filter { $0.offset % 3 == third }.map(\.element) }
            let parked = thirds[1]
            for number in parked {
                try await harness.faults(
                    #"{"token":"album-\#(number)","count":2,"actions":[{"wording":"aborted"}]}"#)
            }
            @Sendable func publish(_ number: Int) async throws {
                try await harness.publish(
                    DaemonHarness.body("j\(number)", account: "acc\(number % accounts + 1)", token: "album-\(number)"),
                    key: number % 2 == 0 ? "leave" : "leave.bulk")
            }
            let together = Set(thirds[0])
            @Sendable func publish(all numbers: Range<Int>) async throws {
                try await harness.inParallel(numbers) { number in
                    try await publish(number)
                    if together.contains(number) { try await publish(number) }
                }
            }
            // A job that is in hand at 14 deaths is rightly taken for what kills. So half of them come later, when the
            // others have ended.
            var published = kills > 0 ? jobs / 2 : jobs
            try await publish(all: 0..<published)
            let reader = try ResultReader(harness)
            let began = Date()
            var cpu = 0.0
            var peak = 0
            if kills > 0 {
                var random = SystemRandomNumberGenerator()
                for life in 0..<kills {
                    try await harness.start()
                    try await harness.waitUntilConsuming()
                    if life == kills / 2 {
                        try await eventually("the first half has its results") { reader.jobs == published }
                        try await publish(all: published..<jobs)
                        published = jobs
                    }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 10...200, using: &random)))
                    // Five short lives in a row would rightly take a job that each had for what kills them.
                    if life % 2 == 1 {
                        let before = reader.jobs
                        try await eventually("it gets on") { reader.jobs >= min(published, before + 100) }
                    }
                    await harness.daemon?.signal(SIGKILL)
                    _ = await harness.daemon?.wait()
                }
            }
            try await harness.start()
            try await harness.waitUntilConsuming()
            if !parked.isEmpty, kills == 0 {
                try await eventually("jobs are parked, or it was too fast to be seen") {
                    if try await harness.depth("retry.1s") > 0 { return true }
                    return reader.jobs == jobs
                }
            }
            try await harness.inParallel(parked) { try await publish($0) }
            do {
                try await eventually("every job has its result") { reader.jobs == jobs }
            } catch {
                let status = try await harness.command("status").text
                let queues = try await harness.command("queues").text
                let log = await harness.log.split(separator: "\n").suffix(30).joined(separator: "\n")
                throw DaemonHarness.Failure(
                    description: "\(reader.jobs) of \(jobs) results\n\(status)\n\(queues)\n\(log)")
            }
            let took = Date().timeIntervalSince(began)
            try await eventually("nothing waits") { try await harness.isQuiet() }
            if kills == 0 { (cpu, peak) = try await harness.usage() }
            let before = reader.all.count
            try await harness.inParallel(thirds[2]) { try await publish($0) }
            try await eventually("the last duplicates have their replay") {
                reader.all.count >= before + thirds[2].count
            }
            try await eventually("nothing waits") { try await harness.isQuiet() }
            try await harness.stopInOrder()
            reader.stop()
            let results = reader.all
            let byMessage = Dictionary(grouping: results, by: \.messageID)
            #expect(byMessage.count == jobs)
            #expect(byMessage.values.allSatisfy { Set($0.map(\.body)).count == 1 }, "one body for each message-id")
            let calls = try harness.calls()
            let effects = calls.filter { $0.effect == "left" }.map(\.token)
            #expect(effects.count == jobs && Set(effects).count == jobs, "each user left once")
            let failed = byMessage.values.compactMap(\.first).filter { !["left", "already_left"].contains($0.outcome) }
            #expect(failed.isEmpty, "\(failed.prefix(5).map { String(decoding: $0.body, as: UTF8.self) })")
            let ordered = jobs + 2 * parked.count
            let extra = calls.count - ordered
            let questions = try harness.calls(of: "get")
            if kills == 0 {
                // Whoever was parked with a call unheard asks first.
                #expect(extra == 0 && questions.count <= parked.count)
            } else {
                // A call or question that is extra was open at a kill, of which there are at most 32.
                #expect(extra + questions.count - parked.count <= 64 * kills)
                let ledger = try LedgerReader(path: harness.directory.file("ledger.sqlite3").path)
                for (token, calls) in Dictionary(grouping: calls, by: \.token) {
                    let number = String(token.dropFirst("album-".count))
                    let most = parked.contains(Int(number) ?? -1) ? 3 : 1
                    guard calls.count > most else { continue }
                    #expect(try ledger.history(of: JobID("j\(number)"))?.isAmbiguous == true, "\(token)")
                }
            }
            #expect(try await harness.waiting() == 0)
            let path = harness.directory.file("ledger.sqlite3").path
            #expect(try LedgerReader(path: path).faults() == [])
            let statistics = try LedgerReader(path: path).statistics(at: SystemTimeSource().wall())
            #expect(statistics.entries == jobs && statistics.open == 0 && statistics.unpublished == 0)
            let perJob = kills == 0 ? ", \(Int(cpu / Double(jobs) * 1e6)) µs CPU a job, \(peak / 1024) MiB at most" : ""
            print(
                "\(jobs) jobs of \(accounts) accounts, \(repeated.count) twice, \(kills) kills: "
                    + "\(Int(Double(jobs) / took)) jobs/s\(perJob), \(extra) extra calls, \(questions.count) questions")
            await harness.end()
        }

        @Test func sigtermUnderLoadExitsInOrderAndEverythingIsAccountedFor() async throws {
            let jobs = 2_000
            let harness = try await DaemonHarness(accounts: 200, simulatorOptions: ["--latency", "100"])
            try await harness.inParallel(0..<jobs) { number in
                try await harness.publish(
                    DaemonHarness.body("s\(number)", account: "acc\(number % 200 + 1)", token: "album-s\(number)"))
            }
            try await harness.start()
            try await eventually("it is at work") { try harness.calls().count > 100 }
            try await harness.stopInOrder()
            let done = try await harness.depth("results")
            let waiting = try await harness.waiting()
            #expect(done > 0 && waiting > 0)
            #expect(done + waiting == jobs)
            let calls = try harness.calls()
            #expect(calls.count == done && calls.allSatisfy { $0.effect == "left" })
            await harness.end()
        }

        /// In order, by a kill, and then only the connections.
        @Test func aBrokerThatRestartsUnderLoadLosesNothing() async throws {
            let (rounds, jobsOfEach) = (3, 500)
            let jobs = rounds * jobsOfEach
            let broker = try await PrivateBroker()
            let harness = try await DaemonHarness(
                accounts: 300, simulatorOptions: ["--latency", "100"], broker: broker)
            try await harness.start()
            for round in 1...rounds {
                let before = try harness.calls().count
                // However long a restart takes, the next round has work.
                try await harness.inParallel((round - 1) * jobsOfEach..<round * jobsOfEach) { number in
                    try await harness.publish(
                        DaemonHarness.body("b\(number)", account: "acc\(number % 300 + 1)", token: "album-b\(number)"))
                }
                try await eventually("it works, round \(round)") { try harness.calls().count > before + 50 }
                let generations = await harness.consumptions
                switch round {
                case 1: await broker.stop()
                case 2: await broker.kill()
                default: try await broker.closeAllConnections()
                }
                if round < rounds { try await broker.start() }
                try await eventually("it consumes again") { await harness.consumptions > generations }
            }
            let reader = try ResultReader(harness)
            try await eventually("every job has its result") { reader.jobs == jobs }
            reader.stop()
            let results = reader.all
            let byMessage = Dictionary(grouping: results, by: \.messageID)
            #expect(byMessage.count == jobs)
            #expect(byMessage.values.allSatisfy { Set($0.map(\.body)).count == 1 })
            #expect(results.allSatisfy { $0.outcome == "left" })
            #expect(try harness.calls().count == jobs, "no call was made twice")
            try await harness.stopInOrder()
            #expect(try await harness.waiting() == 0)
            await harness.end()
            await broker.end()
        }
    }
}
