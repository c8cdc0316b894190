/// A point in civil time: milliseconds since 1970-01-01T00:00:00Z. It may jump when the machine's clock is set.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    package static func + (time: Self, duration: Duration) -> Self {
        Self(milliseconds: time.milliseconds &+ duration.milliseconds)
    }

    package static func - (time: Self, duration: Duration) -> Self {
        Self(milliseconds: time.milliseconds &- duration.milliseconds)
    }

    package static func - (later: Self, earlier: Self) -> Duration {
        .milliseconds(later.milliseconds &- earlier.milliseconds)
    }
}
