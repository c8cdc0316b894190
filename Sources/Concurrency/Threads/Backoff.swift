import Clocks

/// Exponential waiting with jitter: each step waits between half and the whole of a doubling bound.
///
/// Half is kept so that two steps in a row never degenerate into a hot loop; the other half is spread so that many
/// clients of one broken service do not return together.
public struct Backoff: Hashable, Sendable {
    public let first: Duration
    public let longest: Duration
    /// Steps taken since the last reset.
    public private(set) var steps = 0

    public init(first: Duration, longest: Duration) {
        precondition(first > .zero && longest >= first, "a backoff grows from a positive first step")
        self.first = first
        self.longest = longest
    }

    /// The next wait. `random` is in 0..<1.
    public mutating func next(random: Double = .random(in: 0..<1)) -> Duration {
        let bound = self.bound
        steps += 1
        return bound / 2 + bound / 2 * random
    }

    public mutating func reset() {
        steps = 0
    }

    /// What the next wait is at most.
    public var bound: Duration {
        // 2^40 of anything is past every cap; the clamp keeps the multiplication in range.
        let factor = Int64(1) << Int64(min(steps, 40))
        let (product, overflow) = first.nanoseconds.multipliedReportingOverflow(by: factor)
        return overflow ? longest : min(longest, .nanoseconds(product))
    }
}
