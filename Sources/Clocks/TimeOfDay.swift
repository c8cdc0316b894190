/// Hours, minutes and seconds as they are written; second 60 is a leap second.
struct TimeOfDay {
    let hour: Int
    let minute: Int
    let second: Int

    /// `hh:mm:ss`, 00:00:00 to 23:59:60.
    init?(_ scanner: inout TimeScanner) {
        guard let hour = scanner.number(digits: 2), scanner.skip(":"), let minute = scanner.number(digits: 2),
            scanner.skip(":"), let second = scanner.number(digits: 2), hour <= 23, minute <= 59, second <= 60
        else { return nil }
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    var seconds: Int { hour * 3600 + minute * 60 + second }
    var isLeapSecond: Bool { second == 60 }
}
