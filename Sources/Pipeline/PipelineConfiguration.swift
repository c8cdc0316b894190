package import Clocks
package import Jobs
import Ledger
package import Messages
package import Tracing

/// What the pipeline works by. A reload replaces it as a whole; what only a restart can change is the same in both.
package struct PipelineConfiguration: Sendable {
    /// The prefix of every exchange and queue.
    package var prefix: String
    /// Those exchanges and queues.
    package var names: QueueNames { QueueNames(prefix: prefix) }
    /// Calls in flight at most, and workers.
    package var concurrency: Int
    /// Calls in flight at most for one account.
    package var perAccount: Int
    /// 0 is no limit.
    package var requestsPerMinutePerAccount: Int
    /// 0 is no limit.
    package var requestsPerSecond: Double
    /// 0 is no limit.
    package var requestsPerDay: Int
    package var pace: Pace
    /// Deliveries of a lane that can be in flight at once. 0: unknown.
    package var prefetch: Int
    /// Ascending; one retry queue each.
    package var retryDelays: [Duration]
    package var maxAttempts: Int
    /// From the first call's intent, standing still while the worker is on hold.
    package var maxAge: Duration
    package var assumeLeftAfterAmbiguous: Bool
    /// Names of reply-to queues that may get a copy of the result: exact, or a prefix that ends in `*`.
    package var replyToAllow: [String]
    /// The quota's day of a time, and when it ends.
    package var quotaDay: @Sendable (Timestamp) -> QuotaDay
    /// How long a parked copy may be late before its job is reported lost.
    package var lostAfter: Duration
    /// How often the results queue is looked for and late copies are counted.
    package var inspectionInterval: Duration
    /// How long a job is parked whose refusal may be systemic, until other jobs have shown whether it is.
    package var waitForClassification = Self.defaultWaitForClassification
    package var hook: PathHook?
    /// Whose jobs test a hold before all others.
    package var canary: AccountID?
    /// Types of the CloudEvents that ask for a leave; with none of them no event is one.
    package var eventTypes: [String] = []
    /// How results are CloudEvents; nil: they are none.
    package var resultEvents: ResultEvents?
    /// Whether the progress of jobs is reported before their results.
    package var progress = false

    /// Of deliveries whose spans are wanted at all.
    package var sampler = Sampler(.always, isParentBased: true)
    /// Spans of a delivery that is not sampled go out if it fails, or is parked for a fault.
    package var keepFailures = false

    var limits: Dispatch.Limits {
        Dispatch.Limits(
            perAccount: perAccount, requestsPerMinutePerAccount: requestsPerMinutePerAccount, capacity: prefetch,
            requestsPerSecond: requestsPerSecond, canary: canary)
    }

    /// What a claim names where workers share it.
    var accountLimits: AccountLimits {
        AccountLimits(slots: perAccount, perMinute: requestsPerMinutePerAccount)
    }

    /// A quarter of an hour of consuming without the copy: the broker has had every chance to deliver it.
    package static let defaultLostAfter = Duration.seconds(900)
    /// A minute bounds how long results can be confirmed into nothing after their queue was deleted.
    package static let defaultInspectionInterval = Duration.seconds(60)
    /// Three such waits are long enough to notice a systemic refusal, also with few jobs.
    package static let defaultWaitForClassification = Duration.seconds(300)

    package init(
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

/// A day as the API's quota counts it.
package struct QuotaDay: Equatable, Sendable {
    /// `2026-11-23`, in the quota's zone.
    package var name: String
    /// The midnight before, there.
    package var start: Timestamp
    /// The next midnight there.
    package var end: Timestamp

    package init(name: String, start: Timestamp, end: Timestamp) {
        self.name = name
        self.start = start
        self.end = end
    }
}
