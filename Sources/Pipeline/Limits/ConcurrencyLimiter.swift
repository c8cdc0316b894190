import Clocks

/// How many calls may be in flight while nothing stands still.
///
/// The window works as TCP's does: it starts at one, doubles with each success up to a threshold, then grows by one
/// for each window of successes; a throttled call halves it.
struct ConcurrencyLimiter: Sendable {
    /// After this long without a call the API may have changed: begin with one again.
    static let silence = Duration.seconds(600)

    private let concurrency: Int
    private(set) var window = 1
    private var threshold: Int
    private var successesAtThreshold = 0
    private var lastCall: MonotonicTime?

    init(concurrency: Int) {
        self.concurrency = concurrency
        threshold = concurrency
    }

    mutating func limit(at now: MonotonicTime) -> Int {
        if let lastCall, now - lastCall > Self.silence {
            window = 1
            self.lastCall = nil
        }
        return window
    }

    mutating func called(at now: MonotonicTime) { lastCall = now }

    mutating func succeeded() {
        guard window < concurrency else { return }
        if window < threshold {
            window = min(window * 2, threshold)
        } else {
            successesAtThreshold += 1
            if successesAtThreshold >= window {
                successesAtThreshold = 0
                window += 1
            }
        }
        if window == concurrency { threshold = concurrency }
    }

    /// Halves what may be in flight; it comes back slowly.
    mutating func throttle() {
        threshold = max(1, window / 2)
        window = threshold
        successesAtThreshold = 0
    }

    /// Begins with one call, as after a start. What a throttled call halved is not given back by that.
    mutating func restart() { window = 1 }
}
