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

    /// Whether a `NewDeadline` is believed on it. What the broker gives up may be a publisher's own message, with all
    /// that it wrote into it: on `broken` nobody can tell whose word it is, and no call begins there anyway.
    package var carriesNewDeadlines: Bool {
        switch self {
        case .due: true
        case .broken, .jobs, .bulk, .cancel: false
        }
    }
}
