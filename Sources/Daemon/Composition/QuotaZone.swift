package import Clocks
import Glibc
package import Pipeline

/// The zone in which the quota's day begins. FoundationEssentials knows none but GMT, the C library knows them all.
package enum QuotaZone {
    /// Makes it the process's zone. Before the first thread. The settings have checked that the zone exists.
    package static func set(_ name: String) {
        setenv("TZ", name, 1)
        tzset()
    }

    /// The day of a time, and the next midnight, over changes of daylight saving time.
    package static func day(of time: Timestamp) -> QuotaDay {
        var seconds = time_t(time.milliseconds / 1000)
        var local = tm()
        localtime_r(&seconds, &local)
        let name = [local.tm_year + 1900, local.tm_mon + 1, local.tm_mday].map { number in
            number < 10 ? "0\(number)" : "\(number)"
        }.joined(separator: "-")
        return QuotaDay(name: name, start: midnight(local, after: 0), end: midnight(local, after: 1))
    }

    private static func midnight(_ local: tm, after days: Int32) -> Timestamp {
        var midnight = tm()
        midnight.tm_year = local.tm_year
        midnight.tm_mon = local.tm_mon
        midnight.tm_mday = local.tm_mday + days
        // The zone decides whether summer time is in force then.
        midnight.tm_isdst = -1
        return Timestamp(milliseconds: Int64(mktime(&midnight)) * 1000)
    }
}
