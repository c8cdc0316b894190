import Clocks
import Jobs
import Photos

/// The nature of a hold of one cause: how it is tested, how it ends, and what may be done while it stands.
struct HoldPolicy: Sendable {
    /// How jobs test it, in rounds. Nil: whoever set the hold lifts it when the fault is gone: the broker says so, a
    /// commit works again, a publish is confirmed, the operator resumes.
    var probe: ProbePlan?
    /// The answers to a probe that lift it.
    var liftedBy: Set<Word> = []
    /// Set for a hold that refusals of unknown share tokens may have raised: another such refusal lifts it only if
    /// their threshold did not raise it. The value is the answer for a hold of an earlier run, whose threshold is not
    /// known.
    var unknownTokenLiftsRestored: Bool?
    /// Whether deliveries in flight can go back to the broker as copies while it stands: not if publishing is what is
    /// broken.
    var permitsRelease = true
    /// What becomes of it when the daemon starts again.
    var afterRestart: AfterRestart
    /// Whether an operator can say that the fault is gone. False: only an event can.
    var isResumable = true
    /// Who stands still for it, where several workers share a ledger.
    var reach = Reach.cluster

    /// What the answer to a probe shows, as far as it may lift a hold.
    enum Word: CaseIterable, Sendable {
        /// The user has left.
        case success
        /// The API knew the user or the album, and refused the call for their sake.
        case understood
        /// The API did not know the share token; a removed method may say so to everything.
        case unknownToken
        /// The album answered a question.
        case album
        /// A refusal that may be systemic, or a 4xx of any other kind.
        case refusal
        /// Too many calls.
        case throttled
    }

    /// What becomes of a hold that the last run left.
    enum AfterRestart: Equatable, Sendable {
        /// It stands, and its first round is due at once: whoever restarts the daemon may have mended the fault.
        case standsAgain
        /// It stands until a little after the end of the quota's day in which it began.
        case standsUntilNextDay
        /// It is over, and stands again as soon as its cause shows.
        case ends
    }

    /// Whose fault it is.
    enum Reach: Equatable, Sendable {
        /// The API's, the broker's, or an operator's word: all members hold, and one of them tests it.
        case cluster
        /// One member's own, or of what it alone is connected to: the others go on.
        case member
        /// One member's own while others succeed; everybody's once two have met it and nobody succeeds.
        case memberThenCluster
    }

    /// A row for each cause.
    static func of(_ cause: HoldCause) -> HoldPolicy {
        switch cause {
        case .apiRetired:
            HoldPolicy(
                probe: .mendedByPeople, liftedBy: onCalls, unknownTokenLiftsRestored: false,
                afterRestart: .standsAgain)
        case .apiDisabled: HoldPolicy(probe: .mendedByPeople, liftedBy: unlessRefused, afterRestart: .standsAgain)
        case .projectBlocked: HoldPolicy(probe: .mendedByPeople, liftedBy: unlessRefused, afterRestart: .standsAgain)
        case .endpointMisconfigured:
            HoldPolicy(
                probe: .mendedByPeople, liftedBy: onCalls, unknownTokenLiftsRestored: true, afterRestart: .standsAgain)
        // One host's CA certificates, one host's client secret.
        case .tlsTrust:
            HoldPolicy(
                probe: .mendedByPeople, liftedBy: onAnyAnswer, afterRestart: .standsAgain, reach: .memberThenCluster)
        case .clientMisconfigured:
            HoldPolicy(
                probe: .mendedByPeople, liftedBy: unlessRefused, afterRestart: .standsAgain, reach: .memberThenCluster)
        case .clientFaulty:
            HoldPolicy(
                probe: .mendedByPeople, liftedBy: onCalls, unknownTokenLiftsRestored: true, afterRestart: .standsAgain)
        case .apiUnavailable: HoldPolicy(probe: .mendedByTheAPI, liftedBy: onAnyAnswer, afterRestart: .ends)
        case .quotaDay:
            HoldPolicy(probe: .endedByMidnight, liftedBy: unlessThrottled, afterRestart: .standsUntilNextDay)
        case .rateLimited: HoldPolicy(probe: .endedByTimeout, liftedBy: unlessThrottled, afterRestart: .ends)
        case .clockSuspect: HoldPolicy(probe: .endedByAClock, liftedBy: unlessThrottled, afterRestart: .ends)
        case .brokerBlocked:
            HoldPolicy(permitsRelease: false, afterRestart: .ends, isResumable: false, reach: .member)
        case .resultsUnroutable: HoldPolicy(afterRestart: .ends)
        case .resultsFull: HoldPolicy(afterRestart: .ends)
        case .deadFull: HoldPolicy(afterRestart: .ends)
        case .ledgerUnavailable: HoldPolicy(afterRestart: .ends, isResumable: false, reach: .member)
        // Each member that reaches the database compares, and holds until all have; who does not reach it claims nothing.
        case .ledgerLostCommits: HoldPolicy(afterRestart: .ends, isResumable: false, reach: .member)
        // Each member sees it by itself; all of them do.
        case .otherLedger: HoldPolicy(afterRestart: .ends, isResumable: false, reach: .member)
        case .operatorPaused: HoldPolicy(afterRestart: .standsAgain)
        // An operator's word about one name, which all members know, so that the next process of that name has it too.
        case .memberPaused: HoldPolicy(afterRestart: .standsAgain, reach: .member)
        }
    }

    private static let onAnyAnswer = Set(Word.allCases)
    private static let unlessThrottled = onAnyAnswer.subtracting([.throttled])
    private static let unlessRefused = unlessThrottled.subtracting([.refusal])
    /// The question about the album tells nothing of the method.
    private static let onCalls: Set<Word> = [.success, .understood]

    /// Whether that word lifts the hold. `threshold`: of the refusals that raised it, if any did.
    func isLifted(by word: Word, threshold: Int?) -> Bool {
        if word == .unknownToken, let unknownTokenLiftsRestored {
            return threshold.map { $0 < VerdictTable.accountsWithUnknownTokens } ?? unknownTokenLiftsRestored
        }
        return liftedBy.contains(word)
    }

    /// How long the first round waits after a restart; nil if the hold ended with the last run.
    ///
    /// - Parameters:
    ///   - dayEnd: the end of the quota's day in which the hold began.
    ///   - lateness: how long after that end the first round begins.
    func waitAfterRestart(dayEnd: Timestamp, lateness: Duration, at now: Timestamp) -> Duration? {
        switch afterRestart {
        case .standsAgain: .zero
        case .standsUntilNextDay: dayEnd > now ? dayEnd - now + lateness : nil
        case .ends: nil
        }
    }
}

extension ProbePlan {
    /// A call every hour costs little of the quota.
    fileprivate static let mendedByPeople = ProbePlan(
        waits: quickWaits, then: .seconds(300), longest: .seconds(3600))
    fileprivate static let mendedByTheAPI = ProbePlan(waits: quickWaits, then: .seconds(300), longest: .seconds(300))
    fileprivate static let endedByTimeout = ProbePlan(waits: [], then: .seconds(30), longest: .seconds(600))
    fileprivate static let endedByAClock = ProbePlan(waits: [], then: .seconds(300), longest: .seconds(3600))
    /// The first round is set by whoever sets the hold: at the next reset.
    fileprivate static let endedByMidnight = ProbePlan(waits: [], then: .seconds(3600), longest: .seconds(3600))
}
