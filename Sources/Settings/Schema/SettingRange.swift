/// What each number of the settings may be, and why. Durations are in the unit of `Duration`.
enum SettingRange {
    /// Below two seconds a busy machine loses healthy links; above a minute a dead broker goes unseen too long.
    static let heartbeat: ClosedRange<Duration> = .seconds(2) ... .seconds(60)
    /// A quorum queue's browsing and consuming stop at 2,000 deliveries in flight.
    static let prefetch = 1...2_000
    /// A delivery must be settled within two minutes, its confirm included.
    static let confirmTimeout: ClosedRange<Duration> = .seconds(1) ... .seconds(90)
    /// Rotation over more would take longer than an outage.
    static let uris = 1...16
    static let replyToPatterns = 0...64
    /// Two tries in hand of the longest timeout still settle the delivery in time.
    static let timeout: ClosedRange<Duration> = .milliseconds(100) ... .seconds(55)
    static let connectTimeout: ClosedRange<Duration> = .milliseconds(50) ... .seconds(30)
    /// An error with its details fits in a kilobyte; a mebibyte for each call in flight is still affordable.
    static let maxResponse = 1_024...1_048_576
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
    /// Below an hour a duplicate of an ordinary job could find its row gone.
    static let retention: ClosedRange<Duration> = .seconds(3_600) ... .seconds(3_650 * 86_400)
    /// The longest suffix is 19 bytes, an AMQP name has 255, and the prefix also stands in permissions and policies.
    static let prefixBytes = 1...64
    /// `sun_path` has 108 bytes, one of them the zero at the end.
    static let socketPathBytes = 107
    /// AMQP's short string.
    static let shortStringBytes = 255
}
