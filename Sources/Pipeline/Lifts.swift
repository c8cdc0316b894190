import Threads

/// Wakes the inspector: at each lift of a hold, each minute, and at the end. Signals while it works are one signal.
final class Lifts: Sendable {
    private struct State {
        var isSignalled = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Lock(State())

    func signal() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            if state.waiter == nil { state.isSignalled = true }
            return state.waiter
        }
        waiter?.resume()
    }

    /// For one waiter.
    func wait() async {
        await withCheckedContinuation { waiter in
            let isSignalled = state.withLock { state in
                defer { state.isSignalled = false }
                if !state.isSignalled { state.waiter = waiter }
                return state.isSignalled
            }
            if isSignalled { waiter.resume() }
        }
    }
}
