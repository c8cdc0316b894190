package import Clocks

/// When an accept loop that found no descriptor free tries again: as soon as it has closed one of its own, and else
/// after a second, because others of the process close theirs too.
///
/// Meanwhile it does not look at its listener, which is readable all the time. Whoever connects waits in the kernel's
/// queue.
package struct AcceptPause: Sendable {
    /// Longest pause: a client of `/readyz` waits a few seconds at most, and the tries cost nothing.
    package static let longest = Duration.seconds(1)

    /// When the pause ends if nothing is closed. Nil: it accepts.
    package private(set) var until: MonotonicTime?

    package init() {}

    /// No descriptor was free.
    package mutating func begin(at now: MonotonicTime) { until = now + Self.longest }

    /// One of the loop's own was closed.
    package mutating func closed() { until = nil }

    /// Whether to look at the listener. Ends a pause that has lasted long enough.
    package mutating func accepts(at now: MonotonicTime) -> Bool {
        if let until, until <= now { self.until = nil }
        return until == nil
    }
}
