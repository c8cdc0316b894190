import Photos

extension VerdictAction {
    /// One word for metrics and the log: a closed set.
    var word: String {
        switch self {
        case .left: "left"
        case .alreadyLeft: "already_left"
        case .dead: "dead"
        case .deadUnlessSystemic, .tokenRefused: "refused"
        case .retryNetwork: "network"
        case .withdraw: "withdraw"
        case .retry, .retryQueryingAtLast: "retry"
        case .queryAlbum: "ask"
        case .call: "call"
        case .retryOnFreshToken: "refresh"
        case .hold: "hold"
        case .throttle: "throttle"
        case .endDay: "quota_day"
        case .delayAccount: "quota_minute"
        case .delayAccountLonger: "concurrent_write"
        case .malformedAnswer: "malformed"
        }
    }
}
