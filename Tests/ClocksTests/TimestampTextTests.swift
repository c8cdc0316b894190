import Clocks
import Concurrency
import Testing

@Suite("Times are read strictly")
struct TimestampTextTests {
    static let rfc3339Times: [(String, Int64)] = [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-23T19:50:00Z", 1_795_463_400_000),
        ("2026-11-23t19:50:00z", 1_795_463_400_000),
        ("2026-11-23T20:50:00.1239+01:00", 1_795_463_400_123),
        ("2026-11-23T14:20:00.5-05:30", 1_795_463_400_500),
        ("2026-11-23T19:50:00-00:00", 1_795_463_400_000),
        ("2000-02-29T00:00:00Z", 951_782_400_000),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        // A leap second counts as the second after it.
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2017-01-01T00:59:60.25+01:00", 1_483_228_800_250),
    ]

    @Test(
        "RFC 3339 is read",
        arguments: rfc3339Times)
    func rfc3339(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text) == Timestamp(milliseconds: milliseconds))
    }

    static let notRFC3339Times: [String] = [
        "", "2026-11-23", "2026-11-23T19:50Z", "2026-11-23T19:50:00", "2026-11-23 19:50:00Z",
        "2026-11-23T19:50:00.Z", "2026-11-23T19:50:00,5Z", "2026-11-23T19:50:00Zjunk", "2026-11-23T19:50:00Z\n",
        " 2026-11-23T19:50:00Z", "2026-02-30T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-11-23T24:00:00Z", "2026-11-23T25:00:00Z", "2026-11-23T19:60:00Z", "2026-11-23T19:50:61Z",
        "2026-11-23T19:50:60Z", "2026-11-23T23:59:60Z", "2016-12-31T23:59:60+01:00", "2026-11-23T19:50:00+24:00",
        "2026-11-23T19:50:00+01:60", "2026-11-23T19:50:00+0100", "2026-11-23T19:50:00+1:00",
        "26-11-23T19:50:00Z", "+2026-11-23T19:50:00Z", "2026-11-23T19:50:00\u{0}Z", "２026-11-23T19:50:00Z",
        "2026-11-23T19:50:00." + String(repeating: "0", count: 60) + "Z",
    ]

    @Test(
        "What is not RFC 3339 is refused",
        arguments: notRFC3339Times)
    func notRFC3339(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("Printing is UTC with milliseconds, and reads back")
    func printing() {
        #expect(Timestamp(milliseconds: 1_795_463_400_007).rfc3339 == "2026-11-23T19:50:00.007Z")
        #expect(Timestamp(milliseconds: -1).rfc3339 == "1969-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: .max).rfc3339 == "9999-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: .min).rfc3339 == "0000-01-01T00:00:00.000Z")
        var random = SeededRandom(seed: 3)
        for _ in 0..<2000 {
            let time = Timestamp(
                milliseconds: Int64.random(in: -62_167_219_200_000...253_402_300_799_999, using: &random))
            #expect(Timestamp(rfc3339: time.rfc3339) == time)
        }
    }

    @Test("Every day of four centuries has its own date, in order")
    func calendar() {
        var previous = ""
        for day in -146_097...146_097 {
            let text = Timestamp(milliseconds: Int64(day) * 86_400_000).rfc3339
            guard text > previous, Timestamp(rfc3339: text)?.milliseconds == Int64(day) * 86_400_000 else {
                Issue.record("day \(day) prints as \(text), the day before as \(previous)")
                return
            }
            previous = text
        }
    }

    private static let now = Timestamp(milliseconds: 1_795_463_400_000)

    static let httpDates: [(String, Int64)] = [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777),
        ("Sun Nov 16 08:49:37 1994", 784_975_777),
        ("Mon, 23 Nov 2026 19:50:00 GMT", 1_795_463_400),
        // A two-digit year is at most 50 years ahead.
        ("Monday, 23-Nov-26 19:50:00 GMT", 1_795_463_400),
        ("Monday, 01-Jan-76 00:00:00 GMT", 3_345_062_400),
        ("Saturday, 01-Jan-77 00:00:00 GMT", 220_924_800),
        // The name of the day need not fit.
        ("Tue, 23 Nov 2026 19:50:00 GMT", 1_795_463_400),
    ]

    @Test(
        "An HTTP-date is read in its three forms",
        arguments: httpDates)
    func httpDate(text: String, seconds: Int64) {
        #expect(Timestamp(httpDate: text, now: Self.now) == Timestamp(milliseconds: seconds * 1000))
    }

    @Test(
        "What is no HTTP-date is refused",
        arguments: [
            "", "120", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ", "sun, 06 nov 1994 08:49:37 gmt", "1994-11-06T08:49:37Z",
        ])
    func notHTTPDate(text: String) {
        #expect(Timestamp(httpDate: text, now: Self.now) == nil)
    }
}
