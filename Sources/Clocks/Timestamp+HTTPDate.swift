extension Timestamp {
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let shortDays: [StaticString] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let longDays: [StaticString] = [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]

    /// Reads an HTTP-date of RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, or one of the two obsolete
    /// forms, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`. Nil for anything else.
    ///
    /// The name of the day must be one, but need not fit the date: a wrong one makes the time no less meant. `now`
    /// tells the century of a two-digit year: the latest that is at most 50 years ahead.
    public init?(httpDate text: String, now: Timestamp) {
        let bytes = Array(text.utf8)
        let seconds =
            Self.fixed(TimeScanner(bytes)) ?? Self.rfc850(TimeScanner(bytes), now: now)
            ?? Self.asctime(TimeScanner(bytes))
        guard let seconds else { return nil }
        self.init(milliseconds: Int64(seconds) * 1000)
    }

    private static func fixed(_ start: TimeScanner) -> Int? {
        var scanner = start
        guard scanner.word(of: shortDays) != nil, scanner.skip(", "), let day = scanner.number(digits: 2),
            scanner.skip(" "), let month = scanner.word(of: months), scanner.skip(" "),
            let year = scanner.number(digits: 4), scanner.skip(" "), let time = TimeOfDay(&scanner),
            scanner.skip(" GMT"), scanner.isAtEnd
        else { return nil }
        return Self.seconds(year: year, month: month, day: day, time)
    }

    private static func rfc850(_ start: TimeScanner, now: Timestamp) -> Int? {
        var scanner = start
        guard scanner.word(of: longDays) != nil, scanner.skip(", "), let day = scanner.number(digits: 2),
            scanner.skip("-"), let month = scanner.word(of: months), scanner.skip("-"),
            let shortYear = scanner.number(digits: 2), scanner.skip(" "), let time = TimeOfDay(&scanner),
            scanner.skip(" GMT"), scanner.isAtEnd,
            let today = CivilDate(daysSince1970: Int(now.milliseconds / 86_400_000))
        else { return nil }
        let latest = today.year + 50
        let year = latest - (latest - shortYear) % 100
        return Self.seconds(year: year, month: month, day: day, time)
    }

    private static func asctime(_ start: TimeScanner) -> Int? {
        var scanner = start
        guard scanner.word(of: shortDays) != nil, scanner.skip(" "), let month = scanner.word(of: months),
            scanner.skip(" "), let day = scanner.skip(" ") ? scanner.number(digits: 1) : scanner.number(digits: 2),
            scanner.skip(" "), let time = TimeOfDay(&scanner), scanner.skip(" "),
            let year = scanner.number(digits: 4), scanner.isAtEnd
        else { return nil }
        return Self.seconds(year: year, month: month, day: day, time)
    }

    /// `month` from 0.
    private static func seconds(year: Int, month: Int, day: Int, _ time: TimeOfDay) -> Int? {
        CivilDate(year: year, month: month + 1, day: day).map {
            $0.daysSince1970 * CivilDate.secondsOfDay + time.seconds
        }
    }
}
