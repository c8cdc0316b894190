import Concurrency

/// Whether anything still happens: every double tells when it is called and when it has answered, and the pipeline's
/// tasks tell when they are ready and when they have come to a wait.
package final class Activity: Sendable {
    private struct State {
        var count = 0
        var pending = 0
    }

    private let state = Lock(State())

    package init() {}

    /// Whether an answer is waited for, or a task has not come to its wait.
    package var isUnderWay: Bool { state.withLock { $0.pending > 0 } }

    package func note() { state.withLock { $0.count += 1 } }

    /// Something is on its way until `end`.
    func begin() {
        state.withLock { state in
            state.count += 1
            state.pending += 1
        }
    }

    func end() {
        state.withLock { state in
            state.count += 1
            state.pending -= 1
        }
    }

    func during<Answer>(_ body: () async -> Answer) async -> Answer {
        begin()
        let answer = await body()
        end()
        return answer
    }

    /// Returns when the pool has begun what was ready before, also on a machine that is busy with other things.
    private static func passThePool() async {
        let priority = Task.currentPriority
        await withCheckedContinuation { done in Task.detached(priority: priority) { done.resume() } }
    }

    /// Returns when nothing has happened for a while, and nobody waits for an answer. What is not counted runs
    /// on the real pool, so this looks again and again.
    package func settle() async {
        var quiet = 0
        var last = -1
        while quiet < 4 {
            try? await Task.sleep(for: .microseconds(100))
            await Self.passThePool()
            let (count, pending) = state.withLock { ($0.count, $0.pending) }
            quiet = pending == 0 && count == last ? quiet + 1 : 0
            last = count
        }
    }
}
