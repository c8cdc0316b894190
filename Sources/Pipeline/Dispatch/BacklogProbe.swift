import Clocks
import Jobs

/// Whether somebody else waits behind a lane's window that is full.
///
/// A broker shows a message to nobody but who takes it out of the queue, and a full window takes none: a flood of one
/// account alone looks like one with others behind it. So there is evidence and there are looks. Evidence: a job of
/// another account came in the last minute; then others are taken to wait behind. Without it, who fills the window
/// gives up places for as long as it fills up again, so that all that waited is seen once: that is a look. If nobody
/// else came, the account is alone and is not moved: not for a minute, after the next look for two, and so on up to
/// ten.
struct BacklogProbe: Sendable {
    /// How long an account is remembered.
    static let memory = Duration.seconds(60)
    /// More than can be floods of one window, so that one who is none is among them.
    private static let remembered = 16
    /// Pause between two looks that found no other account: first and longest value.
    private static let shortestPause = Duration.seconds(60)
    private static let longestPause = Duration.seconds(600)

    /// The accounts that came last, the newest at the end.
    private var seen: [(account: AccountID, time: MonotonicTime)] = []
    /// When a place was last given up in the look that is under way.
    private var looked: MonotonicTime?
    private var nextCheck: MonotonicTime?
    private var pause = Self.shortestPause

    mutating func saw(_ account: AccountID, at now: MonotonicTime) {
        if let last = seen.last, last.account == account {
            seen[seen.count - 1].time = now
            return
        }
        if let known = seen.firstIndex(where: { $0.account == account }) {
            seen.remove(at: known)
        } else if seen.count == Self.remembered {
            seen.removeFirst()
        }
        seen.append((account, now))
    }

    /// Whether places are to be made free for others. `isFlood`: of the accounts that take them.
    mutating func othersMayWait(at now: MonotonicTime, isFlood: (AccountID) -> Bool) -> Bool {
        if seen.contains(where: { now - $0.time <= Self.memory && !isFlood($0.account) }) {
            (looked, nextCheck, pause) = (nil, nil, Self.shortestPause)
            return true
        }
        if let looked, now - looked <= LaneWindow.lull {
            self.looked = now
            return true
        }
        if let nextCheck, now < nextCheck { return false }
        looked = now
        nextCheck = now + pause
        pause = min(pause * 2, Self.longestPause)
        return true
    }
}
