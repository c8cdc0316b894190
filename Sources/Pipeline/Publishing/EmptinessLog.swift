import Clocks

/// When the queue of copies that are due was seen empty. A member of a cluster may have a copy in flight for two minutes
/// while the others see nothing of it, so that empty now is not enough.
struct EmptinessLog: Equatable, Sendable {
    /// So long ago it must have been empty as well: longer than a delivery waits in flight for its turn.
    static let before = Duration.seconds(180)
    /// What is older says nothing of the time since.
    private static let oldest = before * 3

    private var times: [MonotonicTime] = []

    mutating func note(at now: MonotonicTime) {
        times.removeAll { now - $0 > Self.oldest }
        times.append(now)
    }

    func wasEmpty(at now: MonotonicTime) -> Bool {
        times.contains { now - $0 >= Self.before && now - $0 <= Self.oldest }
    }
}
