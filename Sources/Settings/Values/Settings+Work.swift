extension Settings {
    /// `[worker]`
    public struct Worker: Equatable, Sendable {
        /// Calls in flight at most. 32: more than a day's quota could ever use, few enough for one connection.
        public var concurrency = 32
        /// Calls in flight at most for one account. One: the service refuses concurrent writes of one user.
        public var perAccount = 1
        /// From the first signal to the exit. Half a minute: a call's whole timeout, and below systemd's 90 s.
        public var drainTimeout: Duration = .seconds(30)
        /// What a job is called whose earlier call may have succeeded and about which the API cannot tell.
        public var assumeLeftAfterAmbiguous = false
    }

    /// `[limits]`: 0 is no limit in all of them.
    public struct Limits: Equatable, Sendable {
        /// Of the whole daemon. None: `concurrency`, the day's share and its pace bound it already.
        public var requestsPerSecond: Double = 0
        /// 30: what the service grants a user.
        public var requestsPerMinutePerAccount = 30
        /// This daemon's share of the project's quota: 10,000 a day, less what probes and people need.
        public var requestsPerDay = 9_500
        /// At whose midnight the service's day turns: a file below /usr/share/zoneinfo.
        public var dayZone = "America/Los_Angeles"
        public var pace = Pace.even
    }

    /// How the day's share is spent.
    public enum Pace: String, CaseIterable, Sendable {
        /// Spread over what is left of the day.
        case even
        /// As soon as there are jobs.
        case asap
    }

    /// `[retry]`
    public struct Retry: Equatable, Sendable {
        /// Ascending, whole seconds; each has its queue.
        public var delays: [Duration] = [
            .seconds(5), .seconds(30), .seconds(120), .seconds(600), .seconds(3_600), .seconds(21_600),
        ]
        /// Ten: through every delay once and the longest four times more.
        public var maxAttempts = 10
        /// From the first call's intent, standing still while the worker is on hold.
        public var maxAge: Duration = .seconds(86_400)
    }
}
