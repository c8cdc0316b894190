extension DaemonSettings {
    /// `[worker]`
    package struct Worker: Equatable, Sendable {
        /// Calls in flight at most. 32: more than a day's quota could ever use, few enough for one connection.
        package var concurrency = 32
        /// Calls in flight at most for one account. One: the service refuses concurrent writes of one user.
        package var perAccount = 1
        /// From the first signal to the exit. Half a minute: a call's whole timeout, and below systemd's 90 s.
        package var drainTimeout: Duration = .seconds(30)
        /// What a job is called whose earlier call may have succeeded and about which the API cannot tell.
        package var assumeLeftAfterAmbiguous = false
    }

    /// `[limits]`: 0 is no limit in all of them.
    package struct Limits: Equatable, Sendable {
        /// Of the whole daemon. None: `concurrency`, the day's share and its pace bound it already.
        package var requestsPerSecond: Double = 0
        /// 30: what the service grants a user.
        package var requestsPerMinutePerAccount = 30
        /// This daemon's share of the project's quota: 10,000 a day, less what album queries and people need.
        package var requestsPerDay = 9_500
        /// At whose midnight the service's day turns: a file below /usr/share/zoneinfo.
        package var dayZone = "America/Los_Angeles"
        package var pace = Pace.even
    }

    /// How the day's share is spent.
    package enum Pace: String, CaseIterable, Sendable {
        /// Spread over what is left of the day.
        case even
        /// As soon as there are jobs.
        case asap
    }

    /// `[retry]`
    package struct Retry: Equatable, Sendable {
        /// Ascending, whole seconds; each has its queue.
        package var delays: [Duration] = [
            .seconds(5), .seconds(30), .seconds(120), .seconds(600), .seconds(3_600), .seconds(21_600),
        ]
        /// Ten: through every delay once and the longest four times more.
        package var maxAttempts = 10
        /// From the first call's intent, standing still while the worker is on hold.
        package var maxAge: Duration = .seconds(86_400)
    }
}

extension SettingRange {
    /// Each call in flight is a worker, a transfer and a socket.
    static let concurrency = 1...1_024
    static let perAccount = 1...8
    /// Beyond ten minutes a restart is an outage.
    static let drainTimeout: ClosedRange<Duration> = .seconds(1) ... .seconds(600)
    /// Beyond it the pause between two calls is below the scheduler's precision. 0 is no limit.
    static let requestsPerSecond: ClosedRange<Double> = 0...10_000
    static let requestsPerMinutePerAccount = 0...60_000
    static let requestsPerDay = 0...1_000_000_000
    /// A delay is a queue's time to live, in whole seconds, which its name says.
    static let delay: ClosedRange<Duration> = .seconds(1) ... .seconds(86_400)
    /// Each delay is a durable queue on every node.
    static let delays = 1...16
    static let maxAttempts = 1...1_000
    static let maxAge: ClosedRange<Duration> = .seconds(60) ... .seconds(30 * 86_400)
}
