extension Duration {
    /// Whole nanoseconds; saturates at about 292 years.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !overflowed else { return seconds < 0 ? .min : .max }
        return sum
    }

    /// Whole milliseconds, rounded down towards zero.
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }

    /// Seconds as a floating-point number, for metrics.
    public var inSeconds: Double { Double(nanoseconds) / 1e9 }

    /// The milliseconds of poll(2) and epoll_wait(2). Rounded up, so that the time has come when the thread wakes for
    /// it; zero does not wait, and neither does what is past.
    public var pollTimeout: Int32 {
        self > .zero ? Int32(clamping: milliseconds + 1) : 0
    }
}
