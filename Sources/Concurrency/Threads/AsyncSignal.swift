public import Clocks

/// A signal from any thread to the tasks that wait for it. It counts, so that none is lost between two waits.
///
/// To wait for whatever comes after a look: `await signal.wait(for: seen + 1)`, where `seen` was `count` at the look.
/// Signals between two looks are one then.
public final class AsyncSignal: Sendable {
    private struct Waiter {
        let number: Int
        let count: Int
        let resume: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var count = 0
        var waiters: [Waiter] = []
        var nextNumber = 0
    }

    // Written by whoever signals, waits or cancels a wait; under the lock.
    private let state = Lock(State())

    public init() {}

    public func signal() {
        let due = state.withLock { state in
            state.count += 1
            let due = state.waiters.filter { $0.count <= state.count }
            state.waiters.removeAll { $0.count <= state.count }
            return due
        }
        for waiter in due { waiter.resume.resume(returning: true) }
    }

    /// How often it was signalled.
    public var count: Int { state.withLock { $0.count } }

    public var isSignalled: Bool { count > 0 }

    /// Returns when it has been signalled `count` times since its beginning: true, or false if the task was cancelled
    /// first.
    @discardableResult
    public func wait(for count: Int = 1) async -> Bool {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { resume in
                let answer = state.withLock { state -> Bool? in
                    if state.count >= count { return true }
                    // Asked under the lock: a cancellation from now on finds the waiter.
                    if Task.isCancelled { return false }
                    state.waiters.append(Waiter(number: number, count: count, resume: resume))
                    return nil
                }
                if let answer { resume.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let place = state.waiters.firstIndex(where: { $0.number == number }) else { return nil }
                return state.waiters.remove(at: place)
            }
            waiter?.resume.resume(returning: false)
        }
    }

    /// The same, until `time` at most: false if it has not been signalled so often by then.
    @discardableResult
    public func wait(for count: Int = 1, until time: MonotonicTime, by clock: any TimeSource) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(for: count) }
            group.addTask { await clock.sleep(until: time) }
            await group.next()
            // The other one ends at that.
            group.cancelAll()
        }
        return self.count >= count
    }
}
