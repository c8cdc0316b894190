import Clocks

/// When jobs test a fault outside of them, and how many of them: in rounds, the first ones quick and large, so that bad
/// jobs at the head of a queue do not keep the good ones behind them for long; then one job each time.
struct ProbePlan: Equatable, Sendable {
    /// Waits before the first two rounds: long enough for a fault that passes by itself.
    static let quickWaits: [Duration] = [.seconds(5), .seconds(30)]
    static let firstRound = 8
    /// Jobs that have been tried when the second round ends, with those that raised the hold.
    static let afterTwoRounds = 58
    /// A round that has found nothing ends then.
    static let longestRound = Duration.seconds(30)
    /// Silence after which a round expects no more deliveries.
    static let quiet = Duration.seconds(1)

    /// Before the first rounds.
    let waits: [Duration]
    /// After these, doubling.
    let then: Duration
    let longest: Duration

    /// Before the round of that number, the first being 0.
    func wait(before round: Int) -> Duration {
        if round < waits.count { return waits[round] }
        // Ten doublings are beyond any longest wait.
        return min(longest, then * (1 << min(round - waits.count, 10)))
    }

    /// Jobs that a round tries at most. `threshold`: how many refusals raised the hold.
    static func jobs(inRound round: Int, threshold: Int) -> Int {
        switch round {
        case 0: firstRound
        case 1: max(firstRound, afterTwoRounds - firstRound - threshold)
        default: 1
        }
    }
}
