import Clocks
import Jobs
import Ledger

/// Whose fault it is, and what follows for everybody: which holds stand, which accounts wait alone, and how many calls
/// may be in flight. One value, so that its rules read as a transcript.
struct Gate: Sendable {
    var limiter: ConcurrencyLimiter
    var breaker = CircuitBreaker()
    private var refusals = RefusalClassifier()
    /// The classifier of token refusals. Calls are no proof for tokens: one may succeed with a token an hour old.
    private var tokens = RefusalClassifier()
    private var lastToken: MonotonicTime?
    private var lastTokenRefusal: MonotonicTime?
    private var jobFaults = JobFaults()
    var lateCalls = LateCalls()
    private var suspicions = AccountSuspicions()
    var heldCauses = Holds()

    /// A call, a question or the want of a token, as it ended.
    struct Call: Sendable {
        var job: JobID
        var account: AccountID
        var began: MonotonicTime
        var isProbe = false
    }

    /// What a failure or a refusal means for its job.
    enum Classification: Equatable, Sendable {
        /// What the table says applies.
        case own
        /// Too little is known: it is parked, at no attempt's cost.
        case open
        /// The job failed in a hold, or while its account waits, and comes back when other jobs have been tried.
        case standAside(Duration)
        /// The API or the broker is at fault, and another job would fare no better: it stays where it is.
        case waitOutHold
    }

    struct Consequence: Sendable {
        var classification = Classification.own
        var lifted: [Hold] = []
        /// Accounts whose wait is over.
        var freed: [AccountID] = []
        /// What the call's own account waits for now.
        var wait: (cause: AccountQueue.Wait.Cause, time: Duration)?
    }

    /// `member`: of a cluster, whose holds it shares; nil for a worker alone.
    init(concurrency: Int, member: (epoch: Int64, name: String)? = nil) {
        limiter = ConcurrencyLimiter(concurrency: concurrency)
        heldCauses.sharing = member.map { ClusterSharing(member: $0.epoch, name: $0.name) }
    }

    var holds: [HoldCause: Hold] { heldCauses.byCause }
    /// Another one after each change of the holds.
    var revision: Int { heldCauses.revision }
    var isHolding: Bool { !heldCauses.byCause.isEmpty }
    var isProbing: Bool { heldCauses.round != nil }

    /// Calls that may be in flight at `now`.
    mutating func limit(at now: MonotonicTime) -> Int {
        if isHolding { return isProbing ? 1 : 0 }
        return heldCauses.sharing?.leavesTheStart(at: now) == true ? 0 : limiter.limit(at: now)
    }

    // MARK: What calls tell

    /// No success is known, not even of earlier runs.
    mutating func isFirstContact() { refusals.isFirstContact = true }

    /// A call for the account begins. Returns the accounts that are alone with their refusals no longer.
    mutating func callBegan(_ account: AccountID, at now: MonotonicTime) -> [AccountID] {
        limiter.called(at: now)
        guard !suspicions.isEmpty || refusals.hasAccountAlone else { return [] }
        refusals.called(account)
        return suspicions.free { $0 != account }
    }

    /// Notes an answer that is neither a failure nor a refusal that may be systemic.
    mutating func answered(_ word: HoldPolicy.Word, _ call: Call, at now: MonotonicTime) -> Consequence {
        var result = Consequence()
        heard(call, at: now)
        if word == .success {
            heldCauses.disprove(isSuccess: true)
            refusals.succeeded(call.job, of: call.account, at: now)
            jobFaults.succeeded(call.job, at: now)
            result.freed = suspicions.free { _ in true }
        }
        switch word {
        case .success, .understood, .unknownToken:
            if !isHolding {
                limiter.succeeded()
                letOthersStart()
            }
        case .album, .refusal, .throttled: break
        }
        result.lifted = lift(by: word, call, at: now)
        noteTried(call, at: now)
        return result
    }

    /// The call failed, or its answer could not be believed. `isRefusal`: a 4xx, whose sender is there.
    mutating func failed(
        _ sign: CircuitBreaker.Sign, _ call: Call, isRefusal: Bool = false, detail: String, at now: MonotonicTime,
        wall: Timestamp
    ) -> Consequence {
        var result = Consequence(lifted: isRefusal ? lift(by: .refusal, call, at: now) : [])
        let isOwn = jobFaults.isOwn(call.job)
        // What was not sent says nothing of the job.
        if sign != .unsent {
            jobFaults.failed(call.job, at: now)
            lateCalls.sent()
        }
        guard !isOwn || sign == .unsent else {
            noteTried(call, at: now)
            return result
        }
        let opening = breaker.note(sign, of: call.job, call.account, at: now)
        if case .systemic(let jobs) = opening {
            heldCauses.engage(.apiUnavailable, detail: detail, at: now, wall: wall)
            for job in jobs where sign != .unsent { fail(job, at: now) }
        }
        // With no connection no other job would fare better; of a body that was on its way that is not so sure.
        if heldCauses.standUncontradicted {
            result.classification = stand(call, isConclusive: sign == .unsent, at: now)
        } else {
            noteTried(call, at: now)
            if sign == .healthy {
                heldCauses.disprove(isSuccess: false)
            } else {
                testify(call, .apiUnavailable, .failure(isUnsent: sign == .unsent), detail: detail, at: now, wall: wall)
            }
            if opening == .accounts || suspicions.contains(call.account) {
                suspect(call.account, .failing, threshold: CircuitBreaker.inARow, &result)
            }
        }
        return result
    }

    /// Notes a refusal that may be systemic. `isLast`: its job was parked for the refusal as often as permitted.
    mutating func refused(
        _ call: Call, _ kind: RefusalClassifier.Kind, isLast: Bool = false, detail: String,
        at now: MonotonicTime, wall: Timestamp
    ) -> Consequence {
        heard(call, at: now)
        var result = Consequence(lifted: lift(by: .refusal, call, at: now))
        let classification = refusals.classify(
            .init(
                job: call.job, account: call.account, began: call.began, kind: kind, isLast: isLast,
                isInHold: heldCauses.standUncontradicted), at: now)
        rule(classification, call, kind, ended: refusals.ended(kind), detail: detail, &result, at: now, wall: wall)
        if refusals.isEvidence(call.account, kind) {
            testify(call, kind.cause, .refusal(threshold: kind.threshold), detail: detail, at: now, wall: wall)
        }
        return result
    }

    /// Notes an answer for a limit. If the refusal is the account's own, only that account waits.
    mutating func throttled(
        _ call: Call, _ kind: RefusalClassifier.Kind, atLeast wait: Duration?, detail: String, at now: MonotonicTime,
        wall: Timestamp
    ) -> Consequence {
        heard(call, at: now)
        var result = Consequence(lifted: lift(by: .throttled, call, at: now))
        let classification = refusals.classify(
            .init(job: call.job, account: call.account, began: call.began, kind: kind), at: now)
        // What the API counts by the user is the account's until more of them hear it.
        let isOwn = classification == .own || (kind.threshold > Self.accountsThrottled && classification != .systemic)
        if isOwn, !heldCauses.standUncontradicted {
            noteTried(call, at: now)
            return result
        }
        if !isOwn {
            if !heldCauses.standUncontradicted { limiter.throttle() }
            heldCauses.engage(kind.cause, detail: detail, threshold: kind.threshold, atLeast: wait, at: now, wall: wall)
        }
        result.classification = stand(call, isConclusive: false, atLeast: wait, at: now)
        return result
    }

    /// The API counts the calls of all together: so many accounts that hear it with no success between are all.
    static let accountsThrottled = 2

    // MARK: Tokens

    /// A token was obtained, not merely remembered, at that time.
    mutating func tokenObtained(_ call: Call, at time: MonotonicTime) {
        guard lastToken.map({ $0 < time }) ?? true else { return }
        lastToken = time
        if lastTokenRefusal.map({ $0 < time }) ?? true { tokens.succeeded(call.job, of: call.account, at: time) }
    }

    /// Notes that a token cannot be had now. `isMisconfigured`: the provider says that no account will get one.
    mutating func tokenRequestRefused(
        _ call: Call, isMisconfigured: Bool, detail: String, at now: MonotonicTime, wall: Timestamp
    ) -> Consequence {
        let kind = RefusalClassifier.Kind(
            cause: .clientMisconfigured, threshold: isMisconfigured ? Self.accountsMisconfigured : Self.accountsWithout)
        var result = Consequence()
        lastTokenRefusal = now
        var classification = tokens.classify(
            .init(job: call.job, account: call.account, began: call.began, kind: kind), at: now)
        let isAlone = lastToken.map { now - $0 > RefusalClassifier.memory } ?? true
        if isMisconfigured, isAlone { classification = .systemic }
        rule(classification, call, kind, ended: [], detail: detail, &result, at: now, wall: wall)
        return result
    }

    /// So many accounts that hear of a faulty client, or one where no token came in ten minutes.
    private static let accountsMisconfigured = 2
    /// So many accounts without a token, and no token between: the token service is away.
    private static let accountsWithout = 5

    // MARK: Rulings

    private mutating func rule(
        _ classification: RefusalClassifier.Classification, _ call: Call, _ kind: RefusalClassifier.Kind,
        ended: [JobID],
        detail: String, _ result: inout Consequence, at now: MonotonicTime, wall: Timestamp
    ) {
        if classification == .systemic {
            heldCauses.engage(kind.cause, detail: detail, threshold: kind.threshold, ended: ended, at: now, wall: wall)
        }
        // A hold ends no job, whatever other jobs did before.
        if heldCauses.standUncontradicted {
            return result.classification = stand(call, isConclusive: false, at: now)
        }
        noteTried(call, at: now)
        switch classification {
        case .own, .systemic: result.classification = .own
        case .open: result.classification = .open
        case .accountWaits: suspect(call.account, .refused, threshold: kind.threshold, &result)
        }
    }

    private mutating func suspect(
        _ account: AccountID, _ cause: AccountSuspicions.Cause, threshold: Int, _ result: inout Consequence
    ) {
        let (wait, aside) = suspicions.failed(account, cause, threshold: threshold)
        result.classification = .standAside(aside)
        result.wait = wait
    }

    private mutating func stand(
        _ call: Call, isConclusive: Bool, atLeast wait: Duration? = nil, at now: MonotonicTime
    ) -> Classification {
        if isConclusive {
            // Whose word it was is not the point: nothing was sent, or the day is over for all.
            if call.isProbe { heldCauses.tried(call.job, isConclusive: true, atLeast: wait, at: now) }
        } else {
            heldCauses.failed(call.job, isProbe: call.isProbe, isConclusive: false, atLeast: wait, at: now)
        }
        return isConclusive ? .waitOutHold : .standAside(heldCauses.awayTime(at: now))
    }

    /// The round has tried the probe, once, whatever more it is answered.
    private mutating func noteTried(_ call: Call, at now: MonotonicTime) {
        if call.isProbe { heldCauses.tried(call.job, isConclusive: false, atLeast: nil, at: now) }
    }

    private mutating func fail(_ job: JobID, at now: MonotonicTime) {
        heldCauses.failed(job, isProbe: false, isConclusive: false, atLeast: nil, at: now)
    }

    private mutating func lift(by word: HoldPolicy.Word, _ call: Call, at now: MonotonicTime) -> [Hold] {
        guard call.isProbe else { return [] }
        let gone = heldCauses.lift(by: word, at: now)
        forget(gone)
        return gone
    }

    mutating func forget(_ gone: [Hold]) {
        guard !gone.isEmpty else { return }
        for hold in gone {
            refusals.lifted(hold.cause)
            tokens.lifted(hold.cause)
        }
        if !isHolding { limiter.restart() }
    }

    // MARK: Holds

    /// One word is enough. `atLeast`: what the API named. `call`: whose word it was, if it was a call's: another job
    /// is asked next. False if the job has said so before and others succeeded since each time: then it holds nobody.
    mutating func hold(
        _ cause: HoldCause, detail: String, atLeast wait: Duration? = nil, by call: Call? = nil,
        at now: MonotonicTime, wall: Timestamp
    ) -> Bool {
        if let call {
            let isOwn = jobFaults.isOwn(call.job)
            jobFaults.failed(call.job, at: now)
            if isOwn, holds[cause] == nil { return false }
        }
        heldCauses.engage(cause, detail: detail, atLeast: wait, at: now, wall: wall)
        guard let call, heldCauses.areTested else { return true }
        heldCauses.failed(call.job, isProbe: call.isProbe, isConclusive: true, atLeast: wait, at: now)
        return true
    }

    /// A hold of an earlier run. Its first round comes after `wait`.
    mutating func restore(
        _ cause: HoldCause, since: Timestamp, detail: String, after wait: Duration, at now: MonotonicTime,
        wall: Timestamp
    ) {
        heldCauses.restore(cause, since: since, detail: detail, after: wait, at: now, wall: wall)
    }

    /// Ends a hold whose cause its own reporter takes back. Returns the hold if it stood.
    mutating func lift(_ cause: HoldCause) -> Hold? {
        let gone = heldCauses.lift(cause)
        if let gone { forget([gone]) }
        return gone
    }

    // MARK: Probes

    /// Whether the job has not failed yet, neither in the holds nor for itself.
    func isUntried(_ job: JobID) -> Bool { !heldCauses.failed.contains(job) && !isOwnFault(job) }

    /// How well a job serves as the next probe, the least first. Nil: not at all.
    func rank(_ job: JobID, of account: AccountID, at now: MonotonicTime) -> Int? {
        guard let round = heldCauses.round else { return nil }
        // Where nothing else is there, they are the probe, so that the holds and the jobs come to an end.
        if isOwnFault(job) { return round.takesFailed(at: now) ? 3 : nil }
        if heldCauses.failed.contains(job) { return round.takesFailed(at: now) ? 2 : nil }
        return round.hasTried(account) ? 1 : 0
    }

    /// Whether the job is in the way of those that may lift the holds.
    func isInTheWay(_ job: JobID) -> Bool {
        heldCauses.areTested && (heldCauses.failed.contains(job) || isOwnFault(job))
    }

    private func isOwnFault(_ job: JobID) -> Bool { refusals.isOwn(job) || jobFaults.isOwn(job) }
}
