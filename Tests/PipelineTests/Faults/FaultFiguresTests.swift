import Clocks
import Concurrency
import Jobs
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// What some faults cost, on the clock that stands. `swift test --filter FaultFiguresTests` prints the table.
@Suite(.timeLimit(.minutes(30))) struct FaultFiguresTests {
    private struct Figures {
        var calls: Int
        var attempts: Int
        /// From the end of the fault to the first result and to the last.
        var first: Duration
        var last: Duration

        func line(_ title: String) -> String {
            "\(title): \(calls) calls in vain, \(attempts) attempts spent; after it the first result in "
                + "\(Int(first.inSeconds.rounded())) s, the last in \(Int(last.inSeconds.rounded())) s"
        }
    }

    /// `fault` lasts so long, while a job comes each ten seconds of the first hour.
    private func figures(
        of fault: Answer, for time: Duration, jobs: Int, afterSuccess: Bool = true
    ) async throws -> Figures {
        let isOn = Lock(false)
        let harness = try await Harness(albums: { _ in isOn.withLock { $0 } ? fault : .album(joined: true) }) { _ in
            isOn.withLock { $0 } ? fault : .ok
        }
        harness.begin()
        if afterSuccess {
            harness.submit("before", account: "zoe")
            await harness.advance { harness.resultCount == 1 }
        }
        let before = (results: harness.resultCount, calls: harness.photos.calls.count)
        isOn.withLock { $0 = true }
        let start = harness.clock.now()
        for number in 0..<jobs {
            harness.submit("j\(number)", account: "a\(number % 10)")
            await harness.pass(.seconds(10))
        }
        await harness.pass(time - (harness.clock.now() - start))
        #expect(harness.resultCount == before.results, "nobody ended of it")
        let calls = harness.photos.calls.count - before.calls + harness.photos.albumQueries.count
        isOn.withLock { $0 = false }
        let end = harness.clock.now()
        await harness.advance { harness.resultCount > before.results }
        let first = harness.clock.now() - end
        await harness.advance { harness.resultCount == before.results + jobs }
        let results = harness.results.dropFirst(before.results)
        #expect(results.count == jobs && results.allSatisfy { $0.outcome == "left" })
        await harness.end()
        return Figures(
            calls: calls, attempts: results.map(\.attempts).reduce(0, +), first: first, last: harness.clock.now() - end)
    }

    @Test func anHourOf503() async throws {
        let figures = try await figures(of: .unavailable, for: .seconds(3_600), jobs: 60)
        print(figures.line("an hour of 503"))
        #expect(figures.calls <= 85 && figures.attempts <= 10)
        #expect(figures.first <= .seconds(330))
    }

    @Test func aDayOfRefusedConnections() async throws {
        let figures = try await figures(of: .notSent(detail: "connection refused"), for: .seconds(86_400), jobs: 60)
        print(figures.line("a day of refused connections"))
        #expect(figures.calls <= 320, "none of them reached the API")
        #expect(figures.attempts == 0)
        #expect(figures.first <= .seconds(330))
    }

    @Test func aWrongBaseURLWithASingleJobWaiting() async throws {
        let wrong = Answer.answered(status: 404, fields: [], body: Array("<html>That's all we know.".utf8))
        let figures = try await figures(of: wrong, for: .seconds(86_400), jobs: 1, afterSuccess: false)
        print(figures.line("a day of a wrong base_url with a single job waiting"))
        #expect(figures.calls <= 30 && figures.attempts == 0)
        #expect(figures.first <= .seconds(4_000))
    }

    /// What the last run knew of jobs is forgotten; its hold, or nothing, is what this run begins with.
    @Test(arguments: [true, false]) func aRestartWithTwoBadJobsAtTheHead(isOnHold: Bool) async throws {
        let clock = Lock<ManualClock?>(nil)
        let harness = try await Harness { call in
            await clock.withLock { $0 }?.sleep(for: .milliseconds(50))
            return call.token.hasPrefix("t-bad") ? .redirect : .ok
        }
        clock.withLock { $0 = harness.clock }
        if isOnHold {
            harness.pipeline.restore(
                .endpointMisconfigured, since: Harness.start, detail: "HTTP 302", probeAfter: .zero)
        }
        for number in 0..<2 { harness.submit("bad\(number)", account: "evil\(number)") }
        for number in 0..<20 { harness.submit("good\(number)", account: "a\(number % 5)") }
        harness.begin()
        func count(_ prefix: String) -> Int { harness.results.count { $0.messageID.hasPrefix(prefix) } }
        await harness.advance(for: .seconds(600)) { harness.resultCount > 0 }
        let first = harness.clock.now() - MonotonicTime(nanoseconds: 0)
        #expect(count("good") >= 1 && first <= .seconds(40))
        await harness.advance(for: .seconds(1_200)) { harness.resultCount == 22 }
        #expect(count("good") == 20 && count("bad") == 2)
        #expect(
            harness.results.filter { $0.messageID.hasPrefix("bad") }.allSatisfy { $0.reason == "unexpected_status" })
        #expect(harness.pipeline.snapshot.holds.isEmpty)
        print(
            "a restart with two bad jobs at the head\(isOnHold ? " and its hold" : ""): the first good one after "
                + "\(Int(first.inSeconds.rounded())) s, all after "
                + "\(Int((harness.clock.now() - MonotonicTime(nanoseconds: 0)).inSeconds.rounded())) s, "
                + "\(harness.photos.calls.count) calls")
        await harness.end()
    }
}
