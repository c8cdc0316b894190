import Jobs
import Threads

/// How a hold is tested and how it ends.
enum HoldPolicy: Equatable, Sendable {
    /// One job at a time tries the water, after a wait that doubles.
    case jobProbe(first: Duration, longest: Duration)
    /// Whoever set the hold lifts it when the fault is gone: the broker says so, a commit works again, a publish is
    /// confirmed, the operator resumes.
    case untilLifted

    static func policy(of cause: HoldCause) -> HoldPolicy {
        switch cause {
        case .apiRetired, .projectBlocked, .endpointMisconfigured, .tlsTrust, .clientMisconfigured, .clientFaulty,
            .clockSuspect:
            // A person has to mend these; a call every five minutes, then every hour, costs little of the quota.
            .jobProbe(first: .seconds(300), longest: .seconds(3600))
        case .apiDisabled:
            // Switching an API on takes minutes, and is done by someone who waits for it.
            .jobProbe(first: .seconds(300), longest: .seconds(300))
        case .apiUnavailable:
            .jobProbe(first: .seconds(30), longest: .seconds(300))
        case .rateLimited:
            .jobProbe(first: .seconds(30), longest: .seconds(600))
        case .quotaDay:
            // The first probe is set by the caller: the next reset.
            .jobProbe(first: .seconds(3600), longest: .seconds(3600))
        case .brokerBlocked, .resultsUnroutable, .resultsFull, .deadFull, .ledgerUnavailable, .operatorPaused:
            .untilLifted
        }
    }

    /// Whether the API refuses everything while it lasts, so that one more refusal proves nothing.
    static func isOfRefusals(_ cause: HoldCause) -> Bool {
        switch cause {
        case .apiRetired, .apiDisabled, .projectBlocked, .endpointMisconfigured, .clientMisconfigured, .clientFaulty:
            true
        case .tlsTrust, .apiUnavailable, .rateLimited, .quotaDay, .clockSuspect, .brokerBlocked, .resultsUnroutable,
            .resultsFull, .deadFull, .ledgerUnavailable, .operatorPaused:
            false
        }
    }

    /// Whether deliveries in hand can be given back as copies while it lasts: not if publishing is what is broken.
    static func permitsHandingBack(_ cause: HoldCause) -> Bool {
        switch cause {
        case .brokerBlocked: false
        case .apiRetired, .apiDisabled, .projectBlocked, .endpointMisconfigured, .tlsTrust, .clientMisconfigured,
            .clientFaulty, .apiUnavailable, .quotaDay, .rateLimited, .clockSuspect, .resultsUnroutable, .resultsFull,
            .deadFull, .ledgerUnavailable, .operatorPaused:
            true
        }
    }
}
