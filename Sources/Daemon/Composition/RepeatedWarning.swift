import Clocks

/// When to log again what stands for a while and is tried far more often than there is anything new to say: at once,
/// then each minute, and once that it is over.
struct RepeatedWarning: Sendable {
    static let interval = Duration.seconds(60)

    private var last: MonotonicTime?

    /// Whether it is to be logged now; then it was.
    mutating func isDue(at now: MonotonicTime) -> Bool {
        if let last, now - last < Self.interval { return false }
        last = now
        return true
    }

    /// It is over. True if it was ever logged.
    mutating func ends() -> Bool {
        defer { last = nil }
        return last != nil
    }
}
