package import Clocks

/// What a commit adds to the numbers that the file keeps of all jobs and of the days. They are written once, at its
/// end: a job that moves changes its own rows alone.
package struct LedgerSums {
    /// Rows of jobs that were made.
    package private(set) var added = 0
    /// Jobs that came to be without a result, less those that came to have one.
    package private(set) var open = 0
    /// The same for those whose call may have reached the API unanswered.
    package private(set) var ambiguous = 0
    /// Calls and album queries by day, and when the first of them was counted.
    package private(set) var days: [String: (count: DayCount, at: Timestamp)] = [:]

    package init() {}

    package var isEmpty: Bool { !changesTally && days.isEmpty }
    package var changesTally: Bool { added != 0 || open != 0 || ambiguous != 0 }

    package mutating func move(from old: LedgerRow?, to new: LedgerRow) {
        if old == nil { added += 1 }
        open += Self.one(if: !new.isFinished) - Self.one(if: old.map { !$0.isFinished } ?? false)
        ambiguous += Self.one(if: new.isOpenInDoubt) - Self.one(if: old?.isOpenInDoubt ?? false)
    }

    package mutating func count(_ kind: Claim.Kind, on day: String, at now: Timestamp) {
        add(1, of: kind, on: day, at: now)
    }

    /// Gives back what a claim counted that was withdrawn.
    package mutating func giveBack(_ kind: Claim.Kind, of day: String, at now: Timestamp) {
        add(-1, of: kind, on: day, at: now)
    }

    private mutating func add(_ number: Int, of kind: Claim.Kind, on day: String, at now: Timestamp) {
        var (count, at) = days[day] ?? (DayCount(calls: 0, albumQueries: 0), now)
        switch kind {
        case .call: count.calls += number
        case .albumQuery: count.albumQueries += number
        }
        days[day] = (count, at)
    }

    private static func one(if condition: Bool) -> Int { condition ? 1 : 0 }
}
