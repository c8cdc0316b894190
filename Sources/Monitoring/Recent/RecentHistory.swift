import Clocks
import Operations

/// The last half hour in steps of ten seconds: jobs that ended, jobs that failed, how long calls took. A value; time
/// comes with each word said to it and never goes back.
struct RecentHistory: Sendable {
    static let step = Duration.seconds(10)
    private static let stepNanoseconds = step.nanoseconds
    /// Half an hour.
    static let steps = 180

    private struct Step: Sendable {
        var ended = 0
        var failed = 0
        var latency = RecentLatency()
    }

    private let start: MonotonicTime
    // A circle: step n lies at n modulo its length, one place more than the whole steps for the one that runs.
    private var buffer = [Step](repeating: Step(), count: Self.steps + 1)
    /// The step that runs, counted from the start.
    private var latest = 0

    init(start: MonotonicTime) {
        self.start = start
    }

    mutating func ended(isFailure: Bool, at now: MonotonicTime) {
        forget(until: now)
        buffer[latest % buffer.count].ended += 1
        if isFailure { buffer[latest % buffer.count].failed += 1 }
    }

    mutating func called(taking duration: Duration, at now: MonotonicTime) {
        forget(until: now)
        buffer[latest % buffer.count].latency.count(duration)
    }

    /// The whole steps; the one that runs is not among them, because it would look like a fall.
    /// - Parameter wall: the civil time of `now`.
    mutating func history(at now: MonotonicTime, wall: Timestamp) -> DaemonStatus.History {
        forget(until: now)
        let whole = (max(0, latest - Self.steps)..<latest).map { buffer[$0 % buffer.count] }
        return DaemonStatus.History(
            step: Self.step, until: wall - (now - (start + Self.step * latest)), ended: whole.map(\.ended),
            failed: whole.map(\.failed), apiMedian: whole.map { $0.latency.percentile(0.5) },
            apiP99: whole.map { $0.latency.percentile(0.99) })
    }

    private mutating func forget(until now: MonotonicTime) {
        let current = Int((now.nanoseconds - start.nanoseconds) / Self.stepNanoseconds)
        guard current > latest else { return }
        for passed in max(latest + 1, current - buffer.count + 1)...current { buffer[passed % buffer.count] = Step() }
        latest = current
    }
}
