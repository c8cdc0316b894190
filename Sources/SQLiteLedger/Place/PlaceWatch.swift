import Clocks
import Ledger

/// When the ledger's thread looks whether its files are where they were, and what it makes of what it sees.
struct PlaceWatch {
    /// What a look has brought.
    enum LookupResult: Equatable {
        case nothing
        /// A difference that was seen twice: one look may fall between two steps of somebody who puts things right.
        case displaced(String)
        case returned
    }

    /// Three calls of the kernel each time, and less than ten seconds until a difference was seen twice.
    static let interval = Duration.seconds(4)
    /// From the first look that sees it to the second.
    static let repetition = Duration.seconds(1)

    private let interval: Duration
    private var isSuspected = false
    private var isDisplaced = false
    private(set) var nextCheckAt: MonotonicTime

    init(at now: MonotonicTime, every interval: Duration = interval) {
        self.interval = interval
        nextCheckAt = now + interval
    }

    func isDue(at now: MonotonicTime) -> Bool { nextCheckAt <= now }

    mutating func saw(_ difference: String?, at now: MonotonicTime) -> LookupResult {
        nextCheckAt = now + interval
        guard let difference else {
            isSuspected = false
            defer { isDisplaced = false }
            return isDisplaced ? .returned : .nothing
        }
        if isDisplaced { return .nothing }
        guard isSuspected else {
            isSuspected = true
            nextCheckAt = now + min(interval, Self.repetition)
            return .nothing
        }
        isDisplaced = true
        return .displaced(difference)
    }

    /// Not now: something else must end first.
    mutating func postpone(at now: MonotonicTime) { nextCheckAt = now + interval }
}
