package import Clocks
import Concurrency

/// A clock that stands until a test moves it, and then wakes who slept until that time.
package final class ManualClock: TimeSource {
    private struct Sleeper {
        var time: MonotonicTime
        var resume: CheckedContinuation<Void, Never>
    }

    private struct State {
        var elapsed = Duration.zero
        var step = Duration.zero
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var nextID = 0
        var onMove: (@Sendable (Timestamp) -> Void)?
    }

    private let state = Lock(State())
    private let start: Timestamp
    private let activity: Activity
    private let wakesOneByOne: Bool

    /// `start`: the civil time at which it stands first. `wakesOneByOne`: of those who want to be woken at the same moment
    /// each has come to its next wait before the next one is woken, in the order in which they went to sleep. Two workers
    /// then meet in the same way on every machine; of one worker that has many calls it would cost much.
    package init(start: Timestamp, activity: Activity, wakesOneByOne: Bool = false) {
        self.start = start
        self.activity = activity
        self.wakesOneByOne = wakesOneByOne
    }

    package func now() -> MonotonicTime { MonotonicTime(nanoseconds: state.withLock { $0.elapsed.nanoseconds }) }
    package func wall() -> Timestamp { start + state.withLock { $0.elapsed + $0.step } }

    /// Somebody sets the civil time forward.
    package func setForward(by step: Duration) {
        state.withLock { state in
            state.step += step
            tell(state)
        }
    }

    /// Tells another clock the civil time, now and before anybody is woken at another.
    package func onMove(_ tell: @escaping @Sendable (Timestamp) -> Void) {
        state.withLock { state in
            state.onMove = tell
            self.tell(state)
        }
    }

    private func tell(_ state: State) { state.onMove?(start + state.elapsed + state.step) }

    package func sleep(until time: MonotonicTime) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        activity.note()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.cancelled.remove(id) != nil || time.nanoseconds <= state.elapsed.nanoseconds {
                        return true
                    }
                    state.sleepers[id] = Sleeper(time: time, resume: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.resume.resume()
        }
        activity.note()
    }

    /// How many sleep.
    package var sleeping: Int { state.withLock { $0.sleepers.count } }

    /// When the first sleeper wants to be woken.
    package var nextWaking: MonotonicTime? {
        state.withLock { state in state.sleepers.values.map(\.time).min() }
    }

    package func advance(to time: MonotonicTime) {
        let due = state.withLock { state in
            state.elapsed = max(state.elapsed, .nanoseconds(time.nanoseconds))
            tell(state)
            let due = state.sleepers.filter { $0.value.time <= time }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.time < $1.time }
        }
        for sleeper in due { sleeper.resume.resume() }
    }

    /// Moves from sleeper to sleeper until `isSo`, at most for `limit`, each time when nothing happens any more. False
    /// if it never was.
    package func advance(for limit: Duration, until isSo: () -> Bool) async -> Bool {
        let end = now() + limit
        while true {
            await activity.settle()
            if isSo() { return true }
            guard let next = nextWaking, next <= end else {
                advance(to: end)
                await activity.settle()
                return isSo()
            }
            if wakesOneByOne { wakeFirst(at: next) } else { advance(to: next) }
        }
    }

    private func wakeFirst(at time: MonotonicTime) {
        let first = state.withLock { state in
            state.elapsed = max(state.elapsed, .nanoseconds(time.nanoseconds))
            tell(state)
            let due = state.sleepers.filter { $0.value.time <= time }
            guard let id = due.min(by: { ($0.value.time, $0.key) < ($1.value.time, $1.key) })?.key else {
                return nil as Sleeper?
            }
            return state.sleepers.removeValue(forKey: id)
        }
        first?.resume.resume()
    }
}
