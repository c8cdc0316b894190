import Clocks
import Jobs

/// Calls of which nothing was sent because their send window was over first. One may be an accident; five in a row, with
/// none sent between them, and calls no longer get through in time.
///
/// Those that were under way together are late together, and count as one: so a process that stood still has been late
/// once, however many it was about to make.
struct LateCalls: Sendable {
    static let inARow = 5

    /// What took the larger part of the time.
    enum Reason: Equatable, Sendable {
        /// The commit of the claim.
        case claim
        /// A connection, or a place for the call.
        case connection
    }

    private var row = 0
    private var forClaims = 0
    private var lastEnd: MonotonicTime?
    /// The newest one counts.
    private(set) var hasCounted = false
    /// They raised a hold, and nothing has been sent since: whoever tests the hold sees to a connection first.
    private(set) var isLasting = false

    /// A call was sent.
    mutating func sent() {
        (row, forClaims, isLasting) = (0, 0, false)
    }

    /// Notes a call that was late. `asked`: when its claim was asked for. Returns the hold that the row raises.
    mutating func note(_ reason: Reason, asked: MonotonicTime, at now: MonotonicTime) -> HoldCause? {
        hasCounted = lastEnd.map { asked > $0 } ?? true
        guard hasCounted else { return nil }
        lastEnd = now
        row += 1
        if reason == .claim { forClaims += 1 }
        guard row >= Self.inARow else { return nil }
        let cause = forClaims * 2 > row ? HoldCause.ledgerUnavailable : .apiUnavailable
        (row, forClaims, isLasting) = (0, 0, true)
        return cause
    }
}
