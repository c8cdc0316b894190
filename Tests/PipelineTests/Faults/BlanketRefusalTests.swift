import Clocks
import Concurrency
import Jobs
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// A refusal of everybody, on the clock that stands: what it costs, by whatever words the API says it.
///
/// `swift test --filter BlanketRefusalTests` prints the table.
@Suite(.timeLimit(.minutes(30))) struct BlanketRefusalTests {
    struct Stream: Sendable, CustomStringConvertible {
        var jobsPerSecond: Double
        var accounts: Int
        /// It begins while jobs succeed.
        var isInMidStream: Bool

        var description: String {
            "\(jobsPerSecond) jobs/s of \(accounts) account\(accounts == 1 ? "" : "s"), "
                + (isInMidStream ? "in mid-stream" : "from the start")
        }

        static let all = [0.1, 20].flatMap { rate in
            [10, 1].flatMap { accounts in
                [true, false].map { Stream(jobsPerSecond: rate, accounts: accounts, isInMidStream: $0) }
            }
        }
    }

    private static let wastedOnTheFirstDay = 100
    private static let wastedOnTheNext = 30
    /// More than the highest threshold. What comes after the first is as those: in the broker.
    private static let jobs = Drill.isWhole ? 100 : 40

    /// Every stream for every row takes some minutes; by default one row of each threshold has four, in which any two of
    /// the things that differ meet in each way, and each of the others one of two.
    private static func streams(_ row: RefusalRow, number: Int) -> [Stream] {
        guard !Drill.isWhole else { return Stream.all }
        let some = [
            Stream(jobsPerSecond: 20, accounts: 10, isInMidStream: true),
            Stream(jobsPerSecond: 0.1, accounts: 1, isInMidStream: false),
        ]
        let isOfEachThreshold = ["7", "9", "20"].contains(row.row)
        guard isOfEachThreshold else { return [some[number % some.count]] }
        return some + [
            Stream(jobsPerSecond: 20, accounts: 1, isInMidStream: false),
            Stream(jobsPerSecond: 0.1, accounts: 10, isInMidStream: true),
        ]
    }

    @Test(arguments: RefusalRow.refusals.indices) func itEndsFewJobsAndWastesFewCalls(number: Int) async throws {
        let row = RefusalRow.refusals[number]
        var lines: [String] = []
        for stream in Self.streams(row, number: number) {
            let (killed, first, next) = try await run(row, stream)
            lines.append("row \(row), \(stream): \(killed) ended, \(first) calls on the first day, \(next) on the next")
            #expect(killed < row.threshold, "row \(row), \(stream)")
            // A batch of stale tokens of one account is ordinary, and is not kept for a day.
            if stream.accounts == 1, row.threshold <= 5 { #expect(killed == 0, "row \(row), \(stream)") }
            // Row 13 is two calls: one more with a fresh token.
            let calls = row.row == "13" ? 2 : 1
            #expect(first <= Self.wastedOnTheFirstDay * calls, "row \(row), \(stream)")
            #expect(next <= Self.wastedOnTheNext * calls, "row \(row), \(stream)")
        }
        print(lines.joined(separator: "\n"))
    }

    private func run(_ row: RefusalRow, _ stream: Stream) async throws -> (killed: Int, first: Int, next: Int) {
        let clock = Lock<ManualClock?>(nil)
        let isRefused = Lock(!stream.isInMidStream)
        var options = Harness.Options()
        options.concurrency = 8
        options.prefetch = 16
        options.perMinute = 30
        let harness = try await Harness(
            options, albums: { _ in isRefused.withLock { $0 } ? row.album : .album(joined: true) }
        ) { call in
            await clock.withLock { $0 }?.sleep(for: .milliseconds(50))
            return isRefused.withLock { $0 } ? row.answer(call) : .ok
        }
        clock.withLock { $0 = harness.clock }
        harness.begin()
        var number = 0
        func submit() {
            harness.submit("j\(number)", account: "a\(number % stream.accounts)")
            number += 1
        }
        let interval = Duration.seconds(1) / stream.jobsPerSecond
        if stream.isInMidStream {
            for _ in 0..<20 {
                submit()
                await harness.pass(interval)
            }
            await harness.advance(for: .seconds(600)) { harness.resultCount == number }
        }
        let before = (results: harness.resultCount, calls: harness.photos.calls.count)
        isRefused.withLock { $0 = true }
        let start = harness.clock.now()
        for _ in 0..<Self.jobs {
            submit()
            await harness.pass(interval)
        }
        // Of one account nobody ends before its time, which is a day.
        let day = Duration.seconds(86_400)
        await harness.pass(day - (harness.clock.now() - start) - .seconds(1))
        let killed = harness.resultCount - before.results
        let first = harness.photos.calls.count - before.calls
        await harness.pass(day)
        let next = harness.photos.calls.count - before.calls - first
        // Nothing was lost by it.
        isRefused.withLock { $0 = false }
        await harness.advance(for: day) { harness.resultCount == number }
        #expect(harness.resultCount == number, "row \(row), \(stream)")
        await harness.end()
        return (killed, first, next)
    }
}
