import Jobs
import Photos
import PipelineDouble
import Testing
import Threads

@testable import Pipeline

/// What some faults cost, on the clock that stands. `swift test --filter FaultFiguresTests` prints the table.
@Suite(.timeLimit(.minutes(5))) struct FaultFiguresTests {
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
        let site = try Site(albums: { _ in isOn.withLock { $0 } ? fault : .album(joined: true) }) { _ in
            isOn.withLock { $0 } ? fault : .ok
        }
        site.begin()
        if afterSuccess {
            site.submit("before", account: "zoe")
            await site.advance { site.resultCount == 1 }
        }
        let before = (results: site.resultCount, calls: site.photos.calls.count)
        isOn.withLock { $0 = true }
        let start = site.clock.now()
        for number in 0..<jobs {
            site.submit("j\(number)", account: "a\(number % 10)")
            await site.pass(.seconds(10))
        }
        await site.pass(time - (site.clock.now() - start))
        #expect(site.resultCount == before.results, "nobody ended of it")
        let calls = site.photos.calls.count - before.calls + site.photos.probes.count
        isOn.withLock { $0 = false }
        let end = site.clock.now()
        await site.advance { site.resultCount > before.results }
        let first = site.clock.now() - end
        await site.advance { site.resultCount == before.results + jobs }
        let results = site.results.dropFirst(before.results)
        #expect(results.count == jobs && results.allSatisfy { $0.outcome == "left" })
        await site.end()
        return Figures(
            calls: calls, attempts: results.map(\.attempts).reduce(0, +), first: first, last: site.clock.now() - end)
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
        let site = try Site { call in
            await clock.withLock { $0 }?.sleep(for: .milliseconds(50))
            return call.token.hasPrefix("t-bad") ? .redirect : .ok
        }
        clock.withLock { $0 = site.clock }
        if isOnHold {
            site.pipeline.restore(
                .endpointMisconfigured, since: Site.start, detail: "HTTP 302", probeAfter: .zero)
        }
        for number in 0..<2 { site.submit("bad\(number)", account: "evil\(number)") }
        for number in 0..<20 { site.submit("good\(number)", account: "a\(number % 5)") }
        site.begin()
        func count(_ prefix: String) -> Int { site.results.count { $0.messageID.hasPrefix(prefix) } }
        await site.advance(for: .seconds(600)) { site.resultCount > 0 }
        let first = site.clock.now() - MonotonicTime(nanoseconds: 0)
        #expect(count("good") >= 1 && first <= .seconds(40))
        await site.advance(for: .seconds(1_200)) { site.resultCount == 22 }
        #expect(count("good") == 20 && count("bad") == 2)
        #expect(site.results.filter { $0.messageID.hasPrefix("bad") }.allSatisfy { $0.reason == "unexpected_status" })
        #expect(site.pipeline.snapshot.holds.isEmpty)
        print(
            "a restart with two bad jobs at the head\(isOnHold ? " and its hold" : ""): the first good one after "
                + "\(Int(first.inSeconds.rounded())) s, all after "
                + "\(Int((site.clock.now() - MonotonicTime(nanoseconds: 0)).inSeconds.rounded())) s, "
                + "\(site.photos.calls.count) calls")
        await site.end()
    }
}
