import Clocks

/// How long a failed job waits, and in which delay queue.
struct RetrySchedule: Sendable {
    /// Ascending; one retry queue for each.
    let delays: [Duration]
    let maxAttempts: Int

    /// Tries while the delivery is in flight, before the job is parked.
    static let triesInFlight = 2
    /// Waits up to this stay in flight; longer ones leave the worker, because a delivery is settled in under 2 min.
    /// https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
    static let longestWaitInFlight = Duration.seconds(60)
    /// After a call that went unheard, what is still on its way to the API has arrived, or never will. The album is not
    /// asked sooner.
    static let grace = Duration.seconds(5)
    /// The first wait between two tries of a delivery, and what it doubles to over attempts.
    private static let firstWait = Duration.seconds(1)
    private static let longestWait = Duration.seconds(64)

    /// The wait before the next try of this delivery, or nil if the job is to be parked. `tries`: calls made with this
    /// delivery, and questions that were not answered.
    func waitInFlight(tries: Int, atLeast minimum: Duration, random: Double = .random(in: 0..<1)) -> Duration? {
        guard tries < Self.triesInFlight, minimum <= Self.longestWaitInFlight else { return nil }
        let bound = min(Self.longestWait, Self.firstWait * (1 << min(max(0, tries - 1), 6)))
        return max(minimum, bound + bound / 2 * random)
    }

    /// How long the job is parked after `attempts` attempts.
    func parkingTime(attempts: Int, atLeast minimum: Duration, random: Double = .random(in: 0..<1)) -> Duration {
        let level = max(0, (attempts - 1) / Self.triesInFlight)
        let delay = delays[min(level, delays.count - 1)]
        // The queue's own time is fixed; what is above it is waited out by the not-before header. A tenth spreads a
        // batch that failed together.
        return max(minimum, delay + delay / 10 * random)
    }

    /// The delay queue for a wait: the longest that is not longer by more than recording takes, so that a copy comes
    /// early and is parked again rather than late. Nil if the wait is shorter than each of them.
    func queue(for wait: Duration) -> Duration? {
        delays.last { $0 <= wait + Self.recordingTime }
    }

    /// What recording a job takes of a wait that a queue fits exactly. Without it the copy would go through the next
    /// shorter queue, many times over; with it, it comes that much late.
    private static let recordingTime = Duration.milliseconds(100)

    /// The delay queue for a delivery that steps aside: the one that fits, else the shortest, for on `due` it would
    /// come back at once. Nil for an `isExact` wait that is shorter than each of them: it was waited for in flight
    /// already.
    func queueAside(for wait: Duration, isExact: Bool) -> Duration? {
        queue(for: wait) ?? (isExact ? nil : delays[0])
    }
}
