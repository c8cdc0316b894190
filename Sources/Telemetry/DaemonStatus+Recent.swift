public import Threads

/// What happened of late, for whoever opens the page now and asks what was before.
extension DaemonStatus {
    /// A job that did not end well.
    public struct Failure: Equatable, Sendable {
        public var at: Timestamp
        /// Nil for a message whose id could not be read.
        public var jobID: String?
        /// As the log shows it: hashed if the settings say so. Nil for a message whose account could not be read.
        public var account: String?
        /// `failed`, `rejected`.
        public var outcome: String
        /// Empty if there is none.
        public var reason: String
        /// For people; no secrets.
        public var detail: String?
        public var attempts: Int

        public init(
            at: Timestamp, jobID: String?, account: String?, outcome: String, reason: String, detail: String?,
            attempts: Int
        ) {
            self.at = at
            self.jobID = jobID
            self.account = account
            self.outcome = outcome
            self.reason = reason
            self.detail = detail
            self.attempts = attempts
        }
    }

    /// Dead letters of one reason since the daemon started.
    public struct DeadLetters: Equatable, Sendable {
        public var reason: String
        public var count: Int

        public init(reason: String, count: Int) {
            self.reason = reason
            self.count = count
        }
    }

    /// The last half hour in steps, oldest first; all four lists are as long as each other, and shorter than the half
    /// hour while the daemon is younger.
    public struct History: Equatable, Sendable {
        public var step: Duration
        /// The end of the last step, which is whole.
        public var until: Timestamp
        /// Jobs that ended in each step, those that failed included.
        public var ended: [Int]
        /// Jobs that failed or were rejected.
        public var failed: [Int]
        /// Of the calls to the API that ended in the step; nil where there was none.
        public var apiMedian: [Duration?]
        public var apiP99: [Duration?]

        public init(
            step: Duration, until: Timestamp, ended: [Int], failed: [Int], apiMedian: [Duration?],
            apiP99: [Duration?]
        ) {
            self.step = step
            self.until = until
            self.ended = ended
            self.failed = failed
            self.apiMedian = apiMedian
            self.apiP99 = apiP99
        }
    }
}
