package import Clocks

/// What a ledger has beside its jobs, as it is carried to another one: little, so that it goes at once.
package struct MovedBeside: Equatable, Sendable {
    /// What was counted of a day.
    package struct Day: Equatable, Sendable {
        package var calls: Int
        package var albumQueries: Int
        package var at: Timestamp

        package init(calls: Int, albumQueries: Int, at: Timestamp) {
            self.calls = calls
            self.albumQueries = albumQueries
            self.at = at
        }
    }

    /// A hold of long ago or of now. Its cause is the word that is stored.
    package struct Hold: Hashable, Sendable {
        package var cause: String
        package var since: Timestamp

        package init(cause: String, since: Timestamp) {
            self.cause = cause
            self.since = since
        }
    }

    package struct HoldEnd: Equatable, Sendable {
        package var until: Timestamp?
        package var detail: String

        package init(until: Timestamp?, detail: String) {
            self.until = until
            self.detail = detail
        }
    }

    /// By the day's name; of a database the sum of what its members counted.
    package private(set) var days: [String: Day] = [:]
    /// One for each cause and beginning, also where several members noted it.
    package private(set) var holds: [Hold: HoldEnd] = [:]
    /// When the ledger was made.
    package var createdAt: Timestamp?

    package init() {}

    package mutating func add(_ day: Day, of name: String) {
        guard let known = days[name] else {
            days[name] = day
            return
        }
        days[name] = Day(
            calls: known.calls + day.calls, albumQueries: known.albumQueries + day.albumQueries,
            at: max(known.at, day.at))
    }

    /// Of several notes of one hold, one that has no end wins, else the one that ended last.
    package mutating func add(_ hold: Hold, _ end: HoldEnd) {
        guard let known = holds[hold] else {
            holds[hold] = end
            return
        }
        guard let knownEnd = known.until else { return }
        if end.until.map({ $0 > knownEnd }) ?? true { holds[hold] = end }
    }
}
