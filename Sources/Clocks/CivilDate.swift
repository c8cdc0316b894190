import Glibc

/// A day of the proleptic Gregorian calendar, years 0 to 9999, by the C library's calendar in UTC.
struct CivilDate: Equatable {
    private static let years = 0...9999
    static let secondsOfDay = 86_400

    let year: Int
    /// 1–12.
    let month: Int
    /// From 1.
    let day: Int
    let daysSince1970: Int

    /// Nil if there is no such day.
    init?(year: Int, month: Int, day: Int) {
        guard Self.years.contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        var parts = tm()
        parts.tm_year = Int32(year - 1900)
        parts.tm_mon = Int32(month - 1)
        parts.tm_mday = Int32(day)
        let seconds = timegm(&parts)
        // A day that the month does not have has become one of the next.
        guard parts.tm_mday == day else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
        daysSince1970 = seconds / Self.secondsOfDay
    }

    /// The day that is `days` after 1970-01-01; nil outside of the years.
    init?(daysSince1970 days: Int) {
        let (seconds, isTooFar) = days.multipliedReportingOverflow(by: Self.secondsOfDay)
        var (time, parts) = (seconds, tm())
        guard !isTooFar, gmtime_r(&time, &parts) != nil, Self.years.contains(Int(parts.tm_year) + 1900) else {
            return nil
        }
        (year, month, day) = (Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday))
        daysSince1970 = days
    }
}
