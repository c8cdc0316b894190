package import Clocks

/// What happened of late, for whoever opens the page now and asks what was before.
extension DaemonStatus {
    /// A job that did not end well.
    package struct Failure: Equatable, Sendable {
        package var at: Timestamp
        /// Nil for a message whose id could not be read.
        package var jobID: String?
        /// As the log shows it: hashed if the settings say so. Nil for a message whose account could not be read.
        package var account: String?
        /// `failed`, `rejected`.
        package var outcome: String
        /// Empty if there is none.
        package var reason: String
        /// For people; no secrets.
        package var detail: String?
        package var attempts: Int

        package init(
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
    package struct DeadLetters: Equatable, Sendable {
        package var reason: String
        package var count: Int

        package init(reason: String, count: Int) {
            self.reason = reason
            self.count = count
        }
    }

    /// The last half hour in steps, oldest first; all four lists are as long as each other, and shorter than the half
    /// hour while the daemon is younger.
    package struct History: Equatable, Sendable {
        package var step: Duration
        /// The end of the last step, which is whole.
        package var until: Timestamp
        /// Jobs that ended in each step, those that failed included.
        package var ended: [Int]
        /// Jobs that failed or were rejected.
        package var failed: [Int]
        /// Of the calls to the API that ended in the step; nil where there was none.
        package var apiMedian: [Duration?]
        package var apiP99: [Duration?]

        package init(
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
