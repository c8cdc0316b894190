import Clocks

/// Which members have yet to compare what they wrote with a database that failed over.
///
/// A member compares before it does anything else over a new connection, and joins anew then: its old row ends. One of a
/// program that knows nothing of this goes on under its old row, and is heard of: it is not waited for. Whoever is not
/// heard of is said to be dead in time.
struct ComparisonWait: Sendable {
    /// A row of somebody who lives.
    struct Member: Equatable, Sendable {
        var epoch: Int
        var name: String
        var seen: Timestamp
    }

    private var waiting: [Member]?

    /// What is found now; the first time says whom there is to wait for. Returns who is left.
    mutating func note(_ live: [Member]) -> [Member] {
        guard let before = waiting else {
            waiting = live
            return live
        }
        let left = before.filter { member in live.contains { $0.epoch == member.epoch && $0.seen <= member.seen } }
        waiting = left
        return left
    }
}
