import Clocks

/// At most so many refreshes a second in all: an expired batch must not look like an attack.
actor RefreshRate {
    private let interval: Duration
    private let clock: any TimeSource
    private var next: MonotonicTime?

    init(perSecond: Int, clock: any TimeSource) {
        interval = .seconds(1) / perSecond
        self.clock = clock
    }

    func wait() async {
        let now = clock.now()
        let slot = max(now, next ?? now)
        next = slot + interval
        if slot > now { await clock.sleep(until: slot) }
    }
}
