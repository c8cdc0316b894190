package import Clocks
import Concurrency

/// The clock that all members share: the database's, carried on by this machine's own, which no administrator sets.
///
/// Intervals are the machine's; what people and other members read is the database's.
package final class ClusterClock: TimeSource {
    private let machine: any TimeSource
    // Written by the ledger's thread, read by anyone; under the lock.
    private let estimate: Lock<ClockEstimate>

    init(_ machine: any TimeSource) {
        self.machine = machine
        estimate = Lock(ClockEstimate())
    }

    package func now() -> MonotonicTime { machine.now() }

    /// Before the database was asked the first time it is the machine's.
    package func wall() -> Timestamp {
        let now = machine.now()
        return estimate.withLock { $0.wall(at: now) } ?? machine.wall()
    }

    package func sleep(until time: MonotonicTime) async { await machine.sleep(until: time) }

    /// The database's clock less this machine's wall clock; nil before the database was asked. For metrics and checks.
    package var offset: Duration? {
        let (now, wall) = (machine.now(), machine.wall())
        return estimate.withLock { $0.wall(at: now) }.map { $0 - wall }
    }

    /// What the database's clock said to a question that was asked then and answered then. True if it has jumped.
    func note(_ time: Timestamp, asked: MonotonicTime, answered: MonotonicTime) -> Bool {
        estimate.withLock { $0.note(time, asked: asked, answered: answered) }
    }
}

/// What is known of the database's clock by the machine's own: the difference of the two, from the quickest answer of
/// the newest few.
struct ClockEstimate: Equatable, Sendable {
    /// Between two answers the database's clock may go so much farther, or less, than the machine's.
    static let leap = Duration.seconds(2)
    /// Of a minute and more of heartbeats, so that a drift of one clock against the other is followed.
    private static let most = 16

    private struct Sample: Equatable {
        /// The database's clock less the machine's, in the middle between question and answer.
        let difference: Duration
        let roundTrip: Duration
    }

    private var samples: [Sample] = []

    func wall(at now: MonotonicTime) -> Timestamp? {
        samples.min { $0.roundTrip < $1.roundTrip }.map {
            Timestamp(milliseconds: (Duration.nanoseconds(now.nanoseconds) + $0.difference).milliseconds)
        }
    }

    /// True if the clock has jumped: then nothing is left of what was known before.
    mutating func note(_ time: Timestamp, asked: MonotonicTime, answered: MonotonicTime) -> Bool {
        let roundTrip = answered - asked
        let middle = Duration.nanoseconds(asked.nanoseconds) + roundTrip / 2
        let sample = Sample(difference: Duration.milliseconds(time.milliseconds) - middle, roundTrip: roundTrip)
        // A slow answer says little: the clock was read at any moment of it.
        let hasJumped =
            samples.last.map {
                let change = sample.difference - $0.difference
                let doubt = (roundTrip + $0.roundTrip) / 2
                return change > Self.leap + doubt || change + Self.leap + doubt < .zero
            } ?? false
        if hasJumped { samples = [] }
        samples.append(sample)
        if samples.count > Self.most { samples.removeFirst() }
        return hasJumped
    }
}
