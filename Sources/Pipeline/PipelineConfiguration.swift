public import Jobs
public import Messages
public import Threads

/// What the pipeline works by. A reload replaces it as a whole; what only a restart can change is the same in both.
public struct PipelineConfiguration: Sendable {
    /// The prefix of every exchange and queue.
    public var prefix: String
    /// Those exchanges and queues.
    public var names: QueueNames { QueueNames(prefix: prefix) }
    /// Calls in flight at most, and workers.
    public var concurrency: Int
    /// Calls in flight at most for one account.
    public var perAccount: Int
    /// 0 is no limit.
    public var requestsPerMinutePerAccount: Int
    /// 0 is no limit.
    public var requestsPerSecond: Double
    /// 0 is no limit.
    public var requestsPerDay: Int
    public var pace: Pace
    /// Deliveries of a lane that can be in hand at once. 0: unknown.
    public var prefetch: Int
    /// Ascending; one retry queue each.
    public var retryDelays: [Duration]
    public var maxAttempts: Int
    /// From the first call's intent, standing still while the worker is on hold.
    public var maxAge: Duration
    public var assumeLeftAfterAmbiguous: Bool
    /// Names of reply-to queues that may get a copy of the result: exact, or a prefix that ends in `*`.
    public var replyToAllow: [String]
    /// The quota's day of a time, and when it ends.
    public var quotaDay: @Sendable (Timestamp) -> QuotaDay
    /// How long a parked copy may be late before its job is reported lost.
    public var lostAfter: Duration
    /// How often the results queue is looked for and late copies are counted.
    public var inspectionInterval: Duration
    /// How long a job waits whose refusal may be everybody's, until its neighbours have shown whether it is.
    public var waitForNeighbours = Self.defaultWaitForNeighbours
    public var hook: PathHook?
    /// Whose jobs test a hold before all others.
    public var canary: AccountID?

    var limits: Dispatch.Limits {
        Dispatch.Limits(
            perAccount: perAccount, requestsPerMinutePerAccount: requestsPerMinutePerAccount, room: prefetch,
            requestsPerSecond: requestsPerSecond, canary: canary)
    }

    /// A quarter of an hour of consuming without the copy: the broker has had every chance to deliver it.
    public static let defaultLostAfter = Duration.seconds(900)
    /// A minute bounds how long results can be confirmed into nothing after their queue was deleted.
    public static let defaultInspectionInterval = Duration.seconds(60)
    /// Three of them are long enough for an API that refuses everybody to be noticed, also with few jobs.
    public static let defaultWaitForNeighbours = Duration.seconds(300)

    public init(
        prefix: String, concurrency: Int, perAccount: Int, requestsPerMinutePerAccount: Int,
        requestsPerSecond: Double = 0, requestsPerDay: Int, pace: Pace = .asap, prefetch: Int = 0,
        retryDelays: [Duration], maxAttempts: Int, maxAge: Duration, assumeLeftAfterAmbiguous: Bool,
        replyToAllow: [String], quotaDay: @escaping @Sendable (Timestamp) -> QuotaDay,
        lostAfter: Duration = Self.defaultLostAfter,
        inspectionInterval: Duration = Self.defaultInspectionInterval, hook: PathHook? = nil
    ) {
        precondition(concurrency > 0 && !retryDelays.isEmpty, "the settings guarantee a worker and a delay")
        self.prefix = prefix
        self.concurrency = concurrency
        self.perAccount = perAccount
        self.requestsPerMinutePerAccount = requestsPerMinutePerAccount
        self.requestsPerSecond = requestsPerSecond
        self.requestsPerDay = requestsPerDay
        self.pace = pace
        self.prefetch = prefetch
        self.retryDelays = retryDelays
        self.maxAttempts = maxAttempts
        self.maxAge = maxAge
        self.assumeLeftAfterAmbiguous = assumeLeftAfterAmbiguous
        self.replyToAllow = replyToAllow
        self.quotaDay = quotaDay
        self.lostAfter = lostAfter
        self.inspectionInterval = inspectionInterval
        self.hook = hook
    }
}

/// The configuration in force. Whoever decides something looks here, so that a reload holds from the next decision on.
final class LiveConfiguration: Sendable {
    // Written by a reload, read by workers; under the lock.
    private let state: Lock<PipelineConfiguration>

    init(_ configuration: PipelineConfiguration) {
        state = Lock(configuration)
    }

    var now: PipelineConfiguration { state.withLock { $0 } }

    /// Returns what was in force before.
    func replace(with next: PipelineConfiguration) -> PipelineConfiguration {
        state.withLock { configuration in
            defer { configuration = next }
            return configuration
        }
    }
}

/// A day as the API's quota counts it.
public struct QuotaDay: Equatable, Sendable {
    /// `2026-11-23`, in the quota's zone.
    public var name: String
    /// The midnight before, there.
    public var start: Timestamp
    /// The next midnight there.
    public var end: Timestamp

    public init(name: String, start: Timestamp, end: Timestamp) {
        self.name = name
        self.start = start
        self.end = end
    }
}
