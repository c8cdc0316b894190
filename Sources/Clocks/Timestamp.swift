/// A point in civil time: milliseconds since 1970-01-01T00:00:00Z. It may jump when the machine's clock is set.
public struct Timestamp: Hashable, Comparable, Sendable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    public static func + (time: Self, duration: Duration) -> Self {
        Self(milliseconds: time.milliseconds &+ duration.milliseconds)
    }

    public static func - (time: Self, duration: Duration) -> Self {
        Self(milliseconds: time.milliseconds &- duration.milliseconds)
    }

    public static func - (later: Self, earlier: Self) -> Duration {
        .milliseconds(later.milliseconds &- earlier.milliseconds)
    }
}
