/// The queue by which a message came.
package enum Lane: String, CaseIterable, Sendable {
    /// The worker's own copies: retries, hand-backs, redrives.
    case due
    /// Interactive jobs.
    case jobs
    /// Mass offboarding.
    case bulk
    /// What the broker itself gave up.
    case broken
    /// Jobs that are to end without a call.
    case cancel

    /// Where a clean copy of a message goes that cannot be worked on now. What only closes or cancels a job would be
    /// taken for the job itself on `due`.
    package var home: Lane {
        switch self {
        case .due, .jobs, .bulk: .due
        case .broken, .cancel: self
        }
    }

    /// Whether `JobHeaders` are believed on it: publishers cannot write to these queues.
    package var carriesOwnHeaders: Bool {
        switch self {
        case .due, .broken: true
        case .jobs, .bulk, .cancel: false
        }
    }
}
