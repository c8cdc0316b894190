import Concurrency
import Telemetry

/// What a logger wrote, for a test to look at or to wait for.
final class SaidLines: Sendable {
    private struct State {
        var lines: [LogLine] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Lock(State())

    func add(_ line: LogLine) {
        let due = state.withLock { state in
            state.lines.append(line)
            let due = state.watchers.filter { $0.count <= state.lines.count }
            state.watchers.removeAll { $0.count <= state.lines.count }
            return due
        }
        for watcher in due { watcher.continuation.resume() }
    }

    var lines: [LogLine] { state.withLock { $0.lines } }
    /// Level and message.
    var message: [String] { lines.map { "\($0.level) \($0.message)" } }

    func wait(for count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.lines.count < count { state.watchers.append((count, continuation)) }
                return state.lines.count >= count
            }
            if isThere { continuation.resume() }
        }
    }
}
