package import Clocks

/// Nanoseconds since 1970, as OTLP has its times.
package struct UnixTime: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
}

/// Civil times of some spans. They keep their order and their lengths though somebody sets the machine's clock.
package struct SpanTimes: Sendable {
    private let wall: Int64
    private let now: MonotonicTime

    package init(_ clock: any TimeSource) {
        (wall, now) = (clock.wallNanoseconds(), clock.now())
    }

    package func unix(_ time: MonotonicTime) -> UnixTime {
        UnixTime(nanoseconds: wall &+ (time - now).nanoseconds)
    }
}
