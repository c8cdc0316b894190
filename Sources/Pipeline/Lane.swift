/// Where a message came from.
public enum Lane: String, CaseIterable, Sendable {
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

    /// Turns of each lane in one round while all have work: bulk never starves, and never delays the others by more
    /// than a ninth.
    var weight: Int {
        switch self {
        case .due, .jobs: 4
        case .bulk: 1
        // Never queued by turns: each is closed as soon as it comes.
        case .broken, .cancel: 0
        }
    }

    /// The lane's queue under a prefix.
    public func queue(prefix: String) -> String { "\(prefix).\(rawValue)" }

    /// Where a clean copy of a message goes that cannot be worked on now. What only closes or cancels a job would be
    /// taken for the job itself on `due`.
    var home: Lane {
        switch self {
        case .due, .jobs, .bulk: .due
        case .broken, .cancel: self
        }
    }

    /// Only here the worker's own headers are believed: publishers cannot write to these queues.
    var carriesOwnHeaders: Bool {
        switch self {
        case .due, .broken: true
        case .jobs, .bulk, .cancel: false
        }
    }
}
