import Messages

extension Lane {
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
}
