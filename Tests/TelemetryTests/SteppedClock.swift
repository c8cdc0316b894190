import Clocks
import Concurrency

/// A clock that stands until a test moves it, and then wakes who slept until that time.
final class SteppedClock: TimeSource {
    private struct State {
        var elapsed = Duration.zero
        var sleepers: [(until: MonotonicTime, continuation: CheckedContinuation<Void, Never>)] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    static let noon = Timestamp(milliseconds: 1_795_521_600_000)
    private let state = Lock(State())

    func now() -> MonotonicTime { MonotonicTime(nanoseconds: state.withLock { $0.elapsed.nanoseconds }) }
    func wall() -> Timestamp { Self.noon + state.withLock { $0.elapsed } }
    var sleepers: Int { state.withLock { $0.sleepers.count } }

    func sleep(until time: MonotonicTime) async {
        await withCheckedContinuation { continuation in
            let watchers = state.withLock { state in
                state.sleepers.append((time, continuation))
                defer { state.watchers = [] }
                return state.watchers
            }
            watchers.forEach { $0.resume() }
        }
    }

    /// Returns when somebody sleeps.
    func waitForSleeper() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sleepers.isEmpty { state.watchers.append(continuation) }
                return !state.sleepers.isEmpty
            }
            if isThere { continuation.resume() }
        }
    }

    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.elapsed += duration
            let now = MonotonicTime(nanoseconds: state.elapsed.nanoseconds)
            let due = state.sleepers.filter { $0.until <= now }
            state.sleepers.removeAll { $0.until <= now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }
}
