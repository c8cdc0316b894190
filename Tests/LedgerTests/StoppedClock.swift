import Clocks
import Concurrency

/// A clock that a test moves.
final class StoppedClock: TimeSource {
    private struct State {
        var elapsed = Duration.zero
        var sleepers: [(until: MonotonicTime, wake: CheckedContinuation<Void, Never>)] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Lock(State())

    func now() -> MonotonicTime { state.withLock { MonotonicTime(nanoseconds: 0) + $0.elapsed } }
    func wall() -> Timestamp { state.withLock { Sample.start + $0.elapsed } }

    func sleep(until time: MonotonicTime) async {
        await withCheckedContinuation { wake in
            let watchers = state.withLock { state in
                state.sleepers.append((time, wake))
                defer { state.watchers = [] }
                return state.watchers
            }
            for watcher in watchers { watcher.resume() }
        }
    }

    /// Returns once somebody sleeps.
    func sleeper() async {
        await withCheckedContinuation { watcher in
            let isThere = state.withLock { state in
                if state.sleepers.isEmpty { state.watchers.append(watcher) }
                return !state.sleepers.isEmpty
            }
            if isThere { watcher.resume() }
        }
    }

    func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.elapsed += duration
            let now = MonotonicTime(nanoseconds: 0) + state.elapsed
            defer { state.sleepers.removeAll { $0.until <= now } }
            return state.sleepers.filter { $0.until <= now }
        }
        for sleeper in woken { sleeper.wake.resume() }
    }
}
