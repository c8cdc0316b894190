/// A day of the proleptic Gregorian calendar, years 0 to 9999.
struct CivilDate: Equatable {
    static let years = 0...9999

    let year: Int
    /// 1–12.
    let month: Int
    /// From 1.
    let day: Int

    /// Nil if there is no such day.
    init?(year: Int, month: Int, day: Int) {
        guard Self.years.contains(year), (1...12).contains(month),
            (1...Self.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day that is `days` after 1970-01-01; nil outside of the years.
    init?(daysSince1970 days: Int) {
        // A mean year has 365.2425 days, so the guess is off by one at most.
        var year = 1970 + Int((Double(days) / 365.2425).rounded(.down))
        guard (-1...10_000).contains(year) else { return nil }
        while Self.daysBefore(year: year) > days { year -= 1 }
        while Self.daysBefore(year: year + 1) <= days { year += 1 }
        var rest = days - Self.daysBefore(year: year)
        var month = 1
        while rest >= Self.days(inMonth: month, of: year) {
            rest -= Self.days(inMonth: month, of: year)
            month += 1
        }
        self.init(year: year, month: month, day: rest + 1)
    }

    var daysSince1970: Int {
        (1..<month).reduce(Self.daysBefore(year: year) + day - 1) { $0 + Self.days(inMonth: $1, of: year) }
    }

    /// Days from 1970-01-01 to the first of January.
    private static func daysBefore(year: Int) -> Int {
        // Whole 400-year cycles, 146,097 days each, keep the divisions free of negative numbers; there were 719,162
        // days between the years 1 and 1970.
        let past = year + 399
        return past * 365 + past / 4 - past / 100 + past / 400 - 146_097 - 719_162
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
