package import Clocks
package import Pipeline

/// When a backlog will be done, as far as the day's quota and the rate of late say.
package enum Forecast {
    private static let day = Duration.seconds(86_400)

    /// Nil if nothing says so: no limit, and no rate yet.
    package static func end(
        of backlog: Int, spent: Int, limit: Int, isEven: Bool, perMinute: Double, day: QuotaDay, at now: Timestamp
    ) -> Timestamp? {
        guard backlog > 0 else { return now }
        let byRate = perMinute > 0 ? now + .milliseconds(Int64(Double(backlog) / perMinute * 60_000)) : nil
        guard limit > 0 else { return byRate }
        let share = max(1, Int(Double(limit) * (isEven ? Pace.bulkShare : 1)))
        let today = max(0, share - spent)
        if backlog <= today {
            guard isEven else { return byRate ?? now }
            // By then the even pace has let through what is spent and what waits.
            let fraction = Double(spent + backlog) / Double(share)
            let paced = day.start + .milliseconds(Int64((day.end - day.start).inSeconds * fraction * 1000))
            return max(paced, byRate ?? now, now)
        }
        let rest = backlog - today
        let (days, remainder) = (rest / share, rest % share)
        let last = isEven ? Self.day * Double(remainder) / Double(share) : .zero
        return day.end + Self.day * days + last
    }
}
