import Clocks
import Service

/// Times on a page: right without a script, which shows them in the zone of the browser and keeps distances true.
enum PageTime {
    /// `2026-11-30 21:40:12 UTC`.
    static func exact(_ time: Timestamp) -> HTML {
        let text = time.rfc3339
        let (day, clock) = (text.prefix(10), text.dropFirst(11).prefix(8))
        return .element("time", ["datetime": text, "title": text, "class": "time"], "\(day) \(clock) UTC")
    }

    /// `12 min`, of a time that is past.
    static func distance(_ time: Timestamp, from now: Timestamp) -> HTML {
        moving(time, sign: 1, length(now - time))
    }

    /// `in 12 min`, and once that is over `due now`.
    static func until(_ time: Timestamp, from now: Timestamp) -> HTML {
        let seconds = (time - now).inSeconds.rounded()
        return moving(time, sign: -1, seconds > 0 ? "in \(length(time - now))" : "due now")
    }

    private static func moving(_ time: Timestamp, sign: Int, _ text: String) -> HTML {
        .element(
            "span", ["data-time": "\(time.milliseconds)", "data-sign": "\(sign)", "class": "time"], text)
    }

    /// As the page at `/` has it.
    static func length(_ length: Duration) -> String {
        let seconds = max(0, Int(length.inSeconds.rounded()))
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400)
        if seconds < 60 { return "\(seconds) s" }
        if minutes < 60 { return "\(minutes) min" }
        return hours < 24 ? "\(hours) h \(minutes % 60) min" : "\(days) d \(hours % 24) h"
    }

    /// The same of a setting: `30 d`.
    static func setting(_ length: Duration) -> String {
        let text = self.length(length)
        return [" 0 h", " 0 min"].first(where: text.hasSuffix).map { String(text.dropLast($0.count)) } ?? text
    }
}
