/// Where a module gets its time from, so that a test can drive a day in a second.
public protocol TimeSource: Sendable {
    /// For intervals, deadlines and backoff.
    func now() -> MonotonicTime
    /// For what people and other programs read: due times, deadlines of jobs, the quota's day.
    func wall() -> Timestamp
    /// The same in nanoseconds since 1970, for spans, which last microseconds.
    func wallNanoseconds() -> Int64
    /// Returns at `time` or soon after, or earlier when the task is cancelled.
    func sleep(until time: MonotonicTime) async
}

extension TimeSource {
    public func wallNanoseconds() -> Int64 { wall().milliseconds &* 1_000_000 }

    public func sleep(for duration: Duration) async {
        await sleep(until: now() + duration)
    }
}
