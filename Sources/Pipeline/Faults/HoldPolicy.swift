import Jobs
import Threads

/// How a hold is tested and how it ends.
enum HoldPolicy: Equatable, Sendable {
    /// Jobs try the water, one after another, in rounds.
    case probed(ProbePlan)
    /// Whoever set the hold lifts it when the fault is gone: the broker says so, a commit works again, a publish is
    /// confirmed, the operator resumes.
    case untilLifted

    static func policy(of cause: HoldCause) -> HoldPolicy {
        switch cause {
        case .apiRetired, .apiDisabled, .projectBlocked, .endpointMisconfigured, .tlsTrust, .clientMisconfigured,
            .clientFaulty:
            // A person has to mend these; a call every hour costs little of the quota.
            .probed(ProbePlan(waits: ProbePlan.quickWaits, then: .seconds(300), longest: .seconds(3600)))
        case .apiUnavailable:
            .probed(ProbePlan(waits: ProbePlan.quickWaits, then: .seconds(300), longest: .seconds(300)))
        case .rateLimited:
            .probed(ProbePlan(waits: [], then: .seconds(30), longest: .seconds(600)))
        case .clockSuspect:
            .probed(ProbePlan(waits: [], then: .seconds(300), longest: .seconds(3600)))
        case .quotaDay:
            // The first round is set by the caller: the next reset.
            .probed(ProbePlan(waits: [], then: .seconds(3600), longest: .seconds(3600)))
        case .brokerBlocked, .resultsUnroutable, .resultsFull, .deadFull, .ledgerUnavailable, .operatorPaused:
            .untilLifted
        }
    }

    /// Nil for a hold that no job tests.
    static func plan(of cause: HoldCause) -> ProbePlan? {
        guard case .probed(let plan) = policy(of: cause) else { return nil }
        return plan
    }

    /// What a probe's answer says, as far as it may lift a hold.
    enum Word: Equatable, Sendable {
        /// The user has left.
        case success
        /// The API knew the user or the album, and refused the call for their sake.
        case understood
        /// It did not know the share token: what a removed method may say to everything.
        case unknownToken
        /// The album answered a question.
        case album
        /// A refusal that may be everybody's, or a 4xx of any other kind.
        case refusal
        /// Too many calls.
        case throttled
    }

    /// Whether that word lifts a hold of the cause. `evidence`: the threshold of refusals that raised it, if any did.
    static func lifts(_ cause: HoldCause, by word: Word, evidence: Int?) -> Bool {
        switch cause {
        case .apiRetired, .endpointMisconfigured, .clientFaulty:
            switch word {
            case .success, .understood: true
            // Raised by unknown tokens, it is not lifted by one more; of an earlier run's that is not known.
            case .unknownToken: evidence.map { $0 < unknownTokens } ?? (cause != .apiRetired)
            case .album, .refusal, .throttled: false
            }
        case .apiDisabled, .projectBlocked, .clientMisconfigured:
            switch word {
            case .success, .understood, .unknownToken, .album: true
            case .refusal, .throttled: false
            }
        case .apiUnavailable, .tlsTrust:
            // Whoever answers is there.
            true
        case .rateLimited, .quotaDay, .clockSuspect:
            switch word {
            case .success, .understood, .unknownToken, .album, .refusal: true
            case .throttled: false
            }
        case .brokerBlocked, .resultsUnroutable, .resultsFull, .deadFull, .ledgerUnavailable, .operatorPaused: false
        }
    }

    /// The threshold of the refusals of unknown share tokens, rows 9 and 10.
    private static let unknownTokens = 20

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
