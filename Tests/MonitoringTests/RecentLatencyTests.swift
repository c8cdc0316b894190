import Clocks
import Testing

@testable import Monitoring

/// Percentiles from few bytes.
@Suite struct RecentLatencyTests {
    @Test func withoutCallsThereIsNone() {
        #expect(RecentLatency().percentile(0.5) == nil)
    }

    @Test func aPercentileIsTrueToSevenPercent() throws {
        for milliseconds in [3, 10, 37, 180, 999, 5000, 20_000, 120_000] {
            var latency = RecentLatency()
            latency.count(.milliseconds(milliseconds))
            let said = try #require(latency.percentile(0.5)).inSeconds * 1000
            #expect(abs(said - Double(milliseconds)) <= 0.07 * Double(milliseconds), "\(milliseconds) ms, said \(said)")
        }
    }

    @Test func belowTwoMillisecondsItIsTrueToAnEighthOfOne() throws {
        for microseconds in [0, 100, 700, 1999] {
            var latency = RecentLatency()
            latency.count(.microseconds(microseconds))
            let said = try #require(latency.percentile(0.99)).inSeconds * 1_000_000
            #expect(abs(said - Double(microseconds)) <= 125, "\(microseconds) µs, said \(said)")
        }
    }

    @Test func bucketsRiseWithTheTimeAndEndAtTheLast() {
        var before = -1
        for microseconds in stride(from: 0, through: 131_000_000, by: 125) {
            let bucket = RecentLatency.bucket(of: .microseconds(microseconds))
            guard bucket == before || bucket == before + 1 else {
                Issue.record("from \(before) to \(bucket) at \(microseconds) µs")
                return
            }
            before = bucket
        }
        #expect(before == RecentLatency.bucket(of: .seconds(100_000)), "what is longer counts in the last")
        #expect(RecentLatency.bucket(of: .seconds(-1)) == 0)
    }

    @Test func manyFastCallsDoNotHideTheSlowOnes() throws {
        var latency = RecentLatency()
        for _ in 0..<98 { latency.count(.milliseconds(100)) }
        for _ in 0..<2 { latency.count(.seconds(10)) }
        #expect(try #require(latency.percentile(0.5)) < .milliseconds(110))
        #expect(try #require(latency.percentile(0.98)) < .milliseconds(110))
        #expect(try #require(latency.percentile(0.99)) > .seconds(9))
    }

    @Test func aFullBucketStays() throws {
        var latency = RecentLatency()
        for _ in 0..<70_000 { latency.count(.milliseconds(100)) }
        latency.count(.seconds(10))
        #expect(try #require(latency.percentile(0.5)) < .milliseconds(110))
        #expect(try #require(latency.percentile(1)) > .seconds(9))
    }
}
