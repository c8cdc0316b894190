public import Clocks

/// When an accept loop that found no descriptor free tries again: as soon as it has closed one of its own, and else
/// after a second, because others of the process close theirs too.
///
/// Meanwhile it does not look at its listener, which is readable all the time. Whoever connects waits in the kernel's
/// queue.
public struct AcceptPause: Sendable {
    /// Longest pause: a client of `/readyz` waits a few seconds at most, and the tries cost nothing.
    public static let longest = Duration.seconds(1)

    /// When the pause ends if nothing is closed. Nil: it accepts.
    public private(set) var until: MonotonicTime?

    public init() {}

    /// No descriptor was free.
    public mutating func begin(at now: MonotonicTime) { until = now + Self.longest }

    /// One of the loop's own was closed.
    public mutating func closed() { until = nil }

    /// Whether to look at the listener. Ends a pause that has lasted long enough.
    public mutating func accepts(at now: MonotonicTime) -> Bool {
        if let until, until <= now { self.until = nil }
        return until == nil
    }
}
