extension Timestamp {
    /// More than any writer needs; it bounds what a result echoes.
    static let longestRFC3339 = 64

    /// Reads `2026-11-23T19:50:00.123+01:00` as RFC 3339, section 5.6 has it, and nothing besides.
    ///
    /// `t` and `z` may be lower-case, as the RFC permits. A fraction is cut to milliseconds. Second 60 is taken where a
    /// leap second can be, in the last minute of a month in UTC, and counts as the first second of the next day, as
    /// POSIX clocks do. Nil for anything else: days and hours that do not exist, a space for the T, a missing offset,
    /// whatever follows, more than 64 bytes.
    public init?(rfc3339 text: String) {
        self.init(rfc3339: Array(text.utf8))
    }

    /// See `init(rfc3339: String)`.
    public init?(rfc3339 bytes: [UInt8]) {
        guard bytes.count <= Self.longestRFC3339 else { return nil }
        var scanner = TimeScanner(bytes)
        guard let year = scanner.number(digits: 4), scanner.skip("-"), let month = scanner.number(digits: 2),
            scanner.skip("-"), let day = scanner.number(digits: 2), scanner.skip("T") || scanner.skip("t"),
            let date = CivilDate(year: year, month: month, day: day), let time = TimeOfDay(&scanner)
        else { return nil }
        var milliseconds = 0
        if scanner.skip(".") {
            let fraction = scanner.digits()
            guard !fraction.isEmpty else { return nil }
            milliseconds = (fraction + [0x30, 0x30]).prefix(3).reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        guard let offset = Self.offset(&scanner), scanner.isAtEnd else { return nil }
        let seconds = date.daysSince1970 * CivilDate.secondsOfDay + time.seconds - offset
        if time.isLeapSecond, !Self.isFirstSecondOfMonth(seconds) { return nil }
        self.init(milliseconds: Int64(seconds) * 1000 + Int64(milliseconds))
    }

    /// `2026-11-23T19:50:00.123Z`: UTC, milliseconds, always 24 bytes. Times outside of the years 0 to 9999 print as
    /// the nearest inside.
    public var rfc3339: String {
        let earliest: Int64 = -62_167_219_200_000
        let latest: Int64 = 253_402_300_799_999
        let total = Int(min(max(milliseconds, earliest), latest))
        let millisecondsOfDay = CivilDate.secondsOfDay * 1000
        let days = Int((Double(total) / Double(millisecondsOfDay)).rounded(.down))
        let rest = total - days * millisecondsOfDay
        guard let date = CivilDate(daysSince1970: days) else {
            preconditionFailure("a time between the years 0 and 9999 has a date there")
        }
        return String(unsafeUninitializedCapacity: 24) { text in
            var count = 0
            func write(_ number: Int, digits: Int, then mark: Unicode.Scalar) {
                var rest = number
                for place in (count..<count + digits).reversed() {
                    text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                    rest /= 10
                }
                text[count + digits] = UInt8(ascii: mark)
                count += digits + 1
            }
            write(date.year, digits: 4, then: "-")
            write(date.month, digits: 2, then: "-")
            write(date.day, digits: 2, then: "T")
            write(rest / 3_600_000, digits: 2, then: ":")
            write(rest / 60_000 % 60, digits: 2, then: ":")
            write(rest / 1000 % 60, digits: 2, then: ".")
            write(rest % 1000, digits: 3, then: "Z")
            return count
        }
    }

    /// Seconds east of UTC.
    private static func offset(_ scanner: inout TimeScanner) -> Int? {
        if scanner.skip("Z") || scanner.skip("z") { return 0 }
        let isEast = scanner.skip("+")
        guard isEast || scanner.skip("-"), let hours = scanner.number(digits: 2), scanner.skip(":"),
            let minutes = scanner.number(digits: 2), hours <= 23, minutes <= 59
        else { return nil }
        let seconds = hours * 3600 + minutes * 60
        return isEast ? seconds : -seconds
    }

    /// A leap second is written as second 60 and counts as the second after it.
    private static func isFirstSecondOfMonth(_ seconds: Int) -> Bool {
        guard seconds.isMultiple(of: CivilDate.secondsOfDay) else { return false }
        return CivilDate(daysSince1970: seconds / CivilDate.secondsOfDay)?.day == 1
    }
}
