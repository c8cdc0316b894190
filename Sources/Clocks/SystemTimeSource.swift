import CLinux

/// The machine's own clocks: CLOCK_BOOTTIME and CLOCK_REALTIME.
public struct SystemTimeSource: TimeSource {
    public init() {}

    public func now() -> MonotonicTime {
        MonotonicTime(nanoseconds: read(CLOCK_BOOTTIME))
    }

    public func wall() -> Timestamp {
        Timestamp(milliseconds: read(CLOCK_REALTIME) / 1_000_000)
    }

    public func wallNanoseconds() -> Int64 { read(CLOCK_REALTIME) }

    public func sleep(until time: MonotonicTime) async {
        let remaining = time - now()
        guard remaining > .zero else { return }
        // Cancellation ends the sleep early; the caller looks at its own state then.
        try? await Task.sleep(for: remaining, clock: .continuous)
    }

    private func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
