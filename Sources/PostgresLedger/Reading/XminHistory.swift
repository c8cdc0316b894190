import Clocks

/// For how long the oldest row version that somebody might still see has been one. The database dates no transaction id,
/// and the sessions' own times say little: a long transaction may have a new snapshot, and a slot or a standby has none.
/// So it is found by what was seen of the ids before: it may be longer, by what passed before the first look.
struct XminHistory: Sendable {
    /// So far the ids had been given out at that time.
    private var seen: [(next: Int64, at: MonotonicTime)] = []

    /// One each half minute for eight hours; beyond that the steps between are longer.
    private static let most = 1_000

    /// - Parameters:
    ///   - next: the first id that was not given out.
    ///   - oldest: the first whose changes somebody may not see. Rows removed by it, or later, stay.
    /// - Returns: how long ago `oldest` had been given out at least.
    mutating func note(next: Int64, oldest: Int64, at now: MonotonicTime) -> Duration {
        if let last = seen.last?.next {
            // Another primary, or an older copy of the database: what was seen is not its past.
            if next < last { seen = [] }
        }
        if seen.last?.next != next { seen.append((next, now)) }
        if seen.count > Self.most { seen.remove(at: seen.count / 2) }
        return seen.first { $0.next > oldest }.map { now - $0.at } ?? .zero
    }
}
