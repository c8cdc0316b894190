import Threads

/// The first of several endings.
final class Finish: Sendable {
    private struct State {
        var value: Bool?
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private let state = Lock(State())

    func signal(_ value: Bool) {
        let waiter = state.withLock { state in
            guard state.value == nil else { return CheckedContinuation<Bool, Never>?.none }
            state.value = value
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: value)
    }

    /// For one waiter.
    func wait() async -> Bool {
        await withCheckedContinuation { waiter in
            let value = state.withLock { state in
                if state.value == nil { state.waiter = waiter }
                return state.value
            }
            if let value { waiter.resume(returning: value) }
        }
    }
}
