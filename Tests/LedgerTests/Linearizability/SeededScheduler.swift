import Concurrency

/// Lets one of several tasks go on at a time: which, a seed decides each time that all of them stand. So one seed is one
/// order of events, whatever the machine does.
final class SeededScheduler: Sendable {
    private struct State {
        var parked: [Int: CheckedContinuation<Void, Never>] = [:]
        var live: Int
        var random: SplitMix

        /// Who goes on, if all stand.
        mutating func next() -> CheckedContinuation<Void, Never>? {
            guard parked.count == live else { return nil }
            return parked.keys.sorted().randomElement(using: &random).flatMap { parked.removeValue(forKey: $0) }
        }
    }

    private let state: Lock<State>

    /// `tasks`: each stands once before it does anything.
    init(tasks: Int, seed: UInt64) {
        state = Lock(State(live: tasks, random: SplitMix(state: seed)))
    }

    func stand(_ task: Int) async {
        await withCheckedContinuation { continuation in
            let next = state.withLock { state in
                state.parked[task] = continuation
                return state.next()
            }
            next?.resume()
        }
    }

    func leave() {
        let next = state.withLock { state in
            state.live -= 1
            return state.next()
        }
        next?.resume()
    }
}
