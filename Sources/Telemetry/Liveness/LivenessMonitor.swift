package import Clocks
package import Concurrency

/// Asks every loop of the daemon whether it still comes round.
package final class LivenessMonitor: Sendable {
    package typealias Ping = @Sendable (@escaping @Sendable () -> Void) -> Void

    private struct State {
        var round = LivenessRound()
        var pings: [String: Ping] = [:]
    }

    private let clock: any TimeSource
    // Written by whoever adds loops, by the watchdog and by the loops that answer; under the lock.
    private let state = Lock(State())

    package init(clock: any TimeSource) {
        self.clock = clock
    }

    /// `ping` posts a token to the loop; its argument gives the token back and may be called on any thread.
    package func watch(_ name: String, _ ping: @escaping Ping) {
        let now = clock.now()
        state.withLock { state in
            state.round.add(name, at: now)
            state.pings[name] = ping
        }
    }

    /// Posts a token to each loop that has none.
    package func post() {
        let now = clock.now()
        let pings = state.withLock { state in
            state.round.post(at: now).compactMap { name in state.pings[name].map { (name, $0) } }
        }
        for (name, ping) in pings {
            ping { [weak self] in self?.answered(name) }
        }
    }

    private func answered(_ name: String) {
        let now = clock.now()
        state.withLock { $0.round.answered(name, at: now) }
    }

    /// The same of a service.
    package func watch(_ name: String, _ service: any Pingable) {
        watch(name) { service.ping($0) }
    }

    package func silences(longerThan timeout: Duration) -> [LivenessRound.Silence] {
        let now = clock.now()
        return state.withLock { $0.round.silences(longerThan: timeout, at: now) }
    }

    package var readings: [(name: String, answeredAgo: Duration)] {
        let now = clock.now()
        return state.withLock { $0.round.readings(at: now) }
    }
}
