import Threads

/// How often the operator asked to stop: once is gracefully, twice is now.
final class StopRequest: Sendable {
    private struct State {
        var count = 0
        var waiters: [(count: Int, resume: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Lock(State())

    func signal() {
        let due = state.withLock { state in
            state.count += 1
            let due = state.waiters.filter { $0.count <= state.count }
            state.waiters.removeAll { $0.count <= state.count }
            return due
        }
        due.forEach { $0.resume.resume() }
    }

    var isRequested: Bool { state.withLock { $0.count > 0 } }

    /// Returns when it has been asked `count` times.
    func wait(for count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state in
                if state.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isDue { continuation.resume() }
        }
    }
}
