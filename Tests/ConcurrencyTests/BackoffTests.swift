import Clocks
import Concurrency
import Testing

@Suite struct BackoffTests {
    @Test func doublesToItsLongest() {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(5))
        #expect(
            (0..<5).map { _ in backoff.next(random: 0) } == [
                .milliseconds(500), .seconds(1), .seconds(2), .milliseconds(2500), .milliseconds(2500),
            ])
        backoff.reset()
        #expect(backoff.bound == .seconds(1))
    }

    @Test func staysInRangeAfterAnyNumberOfSteps() {
        var backoff = Backoff(first: .seconds(30), longest: .seconds(3600))
        for _ in 0..<200 { _ = backoff.next() }
        #expect(backoff.bound == .seconds(3600))
    }
}
