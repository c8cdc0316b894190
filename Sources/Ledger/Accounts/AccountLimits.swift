import Clocks

/// How many calls of one account may be under way at once, and begin within a minute, where several workers share the
/// ledger.
package struct AccountLimits: Equatable, Sendable {
    /// The API counts writes by the minute; a second more allows for the way there.
    package static let minute = Duration.seconds(61)

    /// At most eight.
    package var slots: Int
    /// 0 is no limit.
    package var perMinute: Int

    package init(slots: Int, perMinute: Int) {
        precondition(slots > 0 && perMinute >= 0, "the settings guarantee a call at a time")
        (self.slots, self.perMinute) = (slots, perMinute)
    }
}

/// For what the API refuses an account that is over its own rate: it is left alone for a while, the longer the more
/// often it is refused in a row.
package enum AccountWaitCause: String, Sendable {
    /// The API's quota of the account's minute is spent.
    case minute = "quota_minute"
    /// Another write of the account is under way.
    case concurrent = "concurrent_write"

    private static let minuteSteps: [Duration] = [30, 60, 120, 240, 480, 600].map { .seconds($0) }
    private static let concurrentSteps: [Duration] = [60, 300, 600, 900, 1800, 3600].map { .seconds($0) }

    /// How long the account is left alone after so many refusals before this one.
    package func wait(step: Int) -> Duration {
        let steps =
            switch self {
            case .minute: Self.minuteSteps
            case .concurrent: Self.concurrentSteps
            }
        return steps[min(step, steps.count - 1)]
    }
}
