public import Threads

/// Asks every loop of the daemon whether it still comes round.
public final class LivenessBoard: Sendable {
    public typealias Ping = @Sendable (@escaping @Sendable () -> Void) -> Void

    private struct State {
        var round = LivenessRound()
        var pings: [String: Ping] = [:]
    }

    private let clock: any Timekeeper
    // Written by whoever adds loops, by the watchdog and by the loops that answer; under the lock.
    private let state = Lock(State())

    public init(clock: any Timekeeper) {
        self.clock = clock
    }

    /// `ping` posts a token to the loop; its argument gives the token back and may be called on any thread.
    public func watch(_ name: String, _ ping: @escaping Ping) {
        let now = clock.now()
        state.withLock { state in
            state.round.add(name, at: now)
            state.pings[name] = ping
        }
    }

    /// Posts a token to each loop that has none.
    public func post() {
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
    public func watch(_ name: String, _ service: any Pingable) {
        watch(name) { service.ping($0) }
    }

    public func silences(longerThan patience: Duration) -> [LivenessRound.Silence] {
        let now = clock.now()
        return state.withLock { $0.round.silences(longerThan: patience, at: now) }
    }

    public var readings: [(name: String, answeredAgo: Duration)] {
        let now = clock.now()
        return state.withLock { $0.round.readings(at: now) }
    }
}
