import Photos

extension VerdictAction {
    /// One word for metrics and the log: a closed set.
    var word: String {
        switch self {
        case .left: "left"
        case .alreadyLeft: "already_left"
        case .dead, .deadUnlessWorldsFault: "dead"
        case .retryNetwork: "network"
        case .retry: "retry"
        case .retryOnFreshToken: "refresh"
        case .hold: "hold"
        case .throttle: "throttle"
        case .malformedAnswer: "malformed"
        }
    }
}
