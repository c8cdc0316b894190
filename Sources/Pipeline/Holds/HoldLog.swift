import Clocks
import Concurrency

/// When the worker was on hold, so that no job ages by faults outside of it.
final class HoldLog: Sendable {
    private struct State {
        var past: [Range<Timestamp>] = []
        var since: Timestamp?
    }

    // Written where holds change, read by workers; both under the lock.
    private let state = Lock(State())
    /// No job is older than `retry.max_age` can be set to, so nothing older matters.
    private static let memory = Duration.seconds(30 * 86_400)

    func changed(isHolding: Bool, at now: Timestamp) {
        state.withLock { state in
            if isHolding {
                state.since = state.since ?? now
            } else if let since = state.since {
                state.since = nil
                if since < now { state.past.append(since..<now) }
                state.past.removeAll { now - $0.upperBound > Self.memory }
            }
        }
    }

    /// Times on hold before this run. They may overlap; none counts twice.
    func remember(_ holds: [Range<Timestamp>]) {
        var merged: [Range<Timestamp>] = []
        for hold in holds.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, hold.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, hold.upperBound)
            } else {
                merged.append(hold)
            }
        }
        let all = merged
        state.withLock { $0.past = all + $0.past }
    }

    /// How much of the time between `from` and `to` was on hold.
    func held(from: Timestamp, to: Timestamp) -> Duration {
        state.withLock { state in
            var total = Duration.zero
            for hold in state.past + (state.since.map { $0 < to ? [$0..<to] : [] } ?? []) {
                let (start, end) = (max(hold.lowerBound, from), min(hold.upperBound, to))
                if start < end { total += end - start }
            }
            return total
        }
    }
}
