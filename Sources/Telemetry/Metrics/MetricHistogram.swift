import Clocks
import Concurrency

/// How often a quantity was how large, counted in buckets. From any thread.
package final class MetricHistogram: Sendable {
    struct Reading: Equatable {
        /// Of each bound and, last, of what is above all of them; each by itself, not summed up.
        var counts: [Int]
        var sum = 0.0
        var count: Int { counts.reduce(0, +) }
    }

    /// Ascending upper bounds, each included in its bucket.
    let bounds: [Double]
    private let state: Lock<Reading>

    package init(bounds: [Double]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "the bounds of a histogram ascend")
        precondition(bounds.allSatisfy(\.isFinite), "the bucket without a bound is there by itself")
        self.bounds = bounds
        state = Lock(Reading(counts: [Int](repeating: 0, count: bounds.count + 1)))
    }

    /// What is no number is not counted: it would make the sum one for ever.
    package func observe(_ value: Double) {
        guard !value.isNaN else { return }
        // A dozen comparisons cost less than what a search saves.
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[bucket] += 1
            $0.sum += value
        }
    }

    /// In seconds. A clock that was set back makes no negative times.
    package func observe(_ time: Duration) { observe(max(0, time.inSeconds)) }

    var reading: Reading { state.withLock { $0 } }
}
