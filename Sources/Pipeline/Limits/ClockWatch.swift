import Clocks

/// Notices that this machine's civil time was set forward: due times of before look passed then, while their copies
/// wait in the broker as long as ever.
struct ClockWatch: Sendable {
    /// Steps below it are how a time service keeps a clock right.
    static let tolerance = Duration.seconds(1)

    private var last: (now: MonotonicTime, wall: Timestamp)?
    private var doubtedUntil: MonotonicTime?

    /// Looks at both clocks. True if a due time that has passed says that its copy is late: not for as long after a
    /// step as the step was wide.
    mutating func trustsDueTimes(at now: MonotonicTime, wall: Timestamp) -> Bool {
        if let last {
            let step = (wall - last.wall) - (now - last.now)
            if step > Self.tolerance { doubtedUntil = max(doubtedUntil ?? now, now) + step }
        }
        last = (now, wall)
        return doubtedUntil.map { $0 <= now } ?? true
    }
}
