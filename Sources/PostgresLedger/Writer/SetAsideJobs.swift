import Clocks
import Jobs

/// Jobs whose requests were undone though nothing else was in their batch. Whatever has the row of such a job speaks for
/// that row alone: it is tried again by itself after a pause, and all other jobs go on.
struct SetAsideJobs: Sendable {
    private struct Pause {
        var until: MonotonicTime
        var next: Duration
    }

    private var pauses: [JobID: Pause] = [:]

    /// From one try to the next: twice as long each time.
    private static let range = Duration.seconds(1)...Duration.seconds(30)
    /// How long a try waits for a lock: others wait for its end, for the count of the day.
    static let lockTimeout = Duration.milliseconds(100)
    /// Where nothing more comes there is no time for long pauses.
    static let lastPause = Duration.milliseconds(100)

    var isEmpty: Bool { pauses.isEmpty }
    var ids: some Sequence<JobID> { pauses.keys }
    /// When the first of them has its next try.
    var dueAt: MonotonicTime? { pauses.values.lazy.map(\.until).min() }

    func contains(_ id: JobID) -> Bool { pauses[id] != nil }
    func isWaiting(_ id: JobID, at now: MonotonicTime) -> Bool { pauses[id].map { now < $0.until } ?? false }

    mutating func add(_ id: JobID, at now: MonotonicTime) {
        let pause = pauses[id]?.next ?? Self.range.lowerBound
        pauses[id] = Pause(until: now + pause, next: min(pause * 2, Self.range.upperBound))
    }

    mutating func remove(_ id: JobID) { pauses[id] = nil }

    mutating func keepOnly(_ ids: Set<JobID>) { pauses = pauses.filter { ids.contains($0.key) } }

    /// None waits any longer than that.
    mutating func hasten(to time: MonotonicTime) {
        pauses = pauses.mapValues { Pause(until: min($0.until, time), next: $0.next) }
    }
}
