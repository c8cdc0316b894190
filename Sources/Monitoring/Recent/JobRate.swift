import Clocks

/// Jobs that ended in each second of the last quarter of an hour.
struct JobRate: Sendable {
    static let minutes = 15
    private var counts = [Int](repeating: 0, count: Self.minutes * 60)
    /// The second that was counted last.
    private var latest: Int64 = 0
    private var first: Int64?

    mutating func count(at now: MonotonicTime) {
        let second = now.nanoseconds / 1_000_000_000
        forget(until: second)
        first = first ?? second
        counts[Int(second % Int64(counts.count))] += 1
    }

    /// Over the last `minutes`, or over the time since the first job if that is shorter than a minute.
    mutating func perMinute(minutes: Int, at now: MonotonicTime) -> Double {
        let second = now.nanoseconds / 1_000_000_000
        forget(until: second)
        guard let first else { return 0 }
        let span = min(Int64(minutes * 60), max(60, second - first + 1))
        let sum = (0..<span).reduce(0) { $0 + counts[Int((second - $1) % Int64(counts.count))] }
        return Double(sum) * 60 / Double(span)
    }

    private mutating func forget(until second: Int64) {
        guard second > latest else { return }
        let passed = min(second - latest, Int64(counts.count))
        for step in 0..<passed { counts[Int((second - step) % Int64(counts.count))] = 0 }
        latest = second
    }
}
