import Jobs
import Threads

/// How many calls may be in flight: the holds, their probes, slow start and the answer to throttling, as one value.
///
/// The window works as TCP's does: it starts at one, doubles with each success up to a threshold, then grows by one
/// for each window of successes; a throttled call halves it.
struct Gate: Sendable {
    /// After this long without a call the world may have changed: begin with one again.
    static let silence = Duration.seconds(600)
    /// A hold whose probe comes within this keeps its deliveries; a longer one hands them back.
    static let longestKeptHold = Duration.seconds(60)

    private let concurrency: Int
    private var window = 1
    private var threshold: Int
    private var successesAtThreshold = 0
    private var lastCall: MonotonicTime?
    private var breaker = Breaker()
    private var neighbours = Neighbours()
    private(set) var holds: [HoldCause: Hold] = [:]
    private var backoffs: [HoldCause: Backoff] = [:]
    /// A probe job is in flight, or may be chosen: its causes.
    private(set) var isProbing = false

    init(concurrency: Int) {
        self.concurrency = concurrency
        threshold = concurrency
    }

    var isHolding: Bool { !holds.isEmpty }

    /// Calls that may be in flight at `now`.
    mutating func limit(at now: MonotonicTime) -> Int {
        guard holds.isEmpty else { return isProbing ? 1 : 0 }
        if let lastCall, now - lastCall > Self.silence {
            window = 1
            self.lastCall = nil
        }
        return window
    }

    /// The holds end only by a probe, and it is due at that time.
    var nextProbe: MonotonicTime? {
        guard !holds.isEmpty, !isProbing, holds.values.allSatisfy({ $0.nextProbe != nil }) else { return nil }
        return holds.values.compactMap(\.nextProbe).max()
    }

    /// Lets one job through if its time has come. True if a probe begins now.
    mutating func beginProbe(at now: MonotonicTime) -> Bool {
        guard let time = nextProbe, time <= now else { return false }
        isProbing = true
        return true
    }

    /// The probing job ended without having called (it was finished already, say): the next one may try.
    var mayProbeAgain: Bool { isProbing }

    mutating func callBegan(at now: MonotonicTime) {
        lastCall = now
    }

    /// What a call came to, as far as it concerns more than its job.
    enum Proof: Sendable {
        /// The user has left.
        case success
        /// The API knows the user or the album, and refused for their sake.
        case understood
        /// It answered; whether it does its work is open.
        case nothing
    }

    /// A call was answered. Returns the holds that this lifts.
    mutating func callAnswered(_ proof: Proof, of account: AccountID, wasProbe: Bool, at now: MonotonicTime) -> [Hold] {
        if case .success = proof { neighbours.succeeded(account, at: now) }
        switch proof {
        case .success, .understood: if holds.isEmpty { grow() }
        case .nothing: return []
        }
        guard wasProbe, isProbing else { return [] }
        isProbing = false
        let lifted = holds.values.filter { $0.nextProbe != nil }
        for hold in lifted {
            holds[hold.cause] = nil
            backoffs[hold.cause] = nil
        }
        window = 1
        threshold = concurrency
        return lifted
    }

    /// True if the call's failure opens the breaker.
    mutating func note(_ sign: Breaker.Sign, of job: JobID, at now: MonotonicTime) -> Bool {
        breaker.note(sign, of: job, at: now)
    }

    /// Whose fault a refusal is.
    mutating func refused(
        _ account: AccountID, _ cause: HoldCause, accounts: Int, at now: MonotonicTime
    ) -> Neighbours.Ruling {
        neighbours.refused(account, cause, accounts: accounts, at: now)
    }

    private mutating func grow() {
        guard window < concurrency else { return }
        if window < threshold {
            window = min(window * 2, threshold)
        } else {
            successesAtThreshold += 1
            if successesAtThreshold >= window {
                successesAtThreshold = 0
                window += 1
            }
        }
    }

    /// Halves what may be in flight; it comes back slowly.
    mutating func throttle() {
        threshold = max(1, window / 2)
        window = threshold
        successesAtThreshold = 0
    }

    enum Engagement: Equatable {
        case began
        /// It was there already, and its probe was refused again.
        case probeRefused
        case alreadyThere
    }

    /// Sets a hold, or, when the refused call was its probe, puts the next probe off. `firstProbe`: when the world
    /// named a time.
    mutating func engage(
        _ cause: HoldCause, detail: String, wasProbe: Bool, firstProbe: Duration? = nil, at now: MonotonicTime,
        wall: Timestamp, since: Timestamp? = nil, random: Double = .random(in: 0..<1)
    ) -> Engagement {
        if holds[cause] != nil, !wasProbe {
            // Whoever ends it says what it waits for now.
            if HoldPolicy.policy(of: cause) == .untilLifted { holds[cause]?.detail = detail }
            return .alreadyThere
        }
        let existed = holds[cause] != nil
        if wasProbe { isProbing = false }
        var hold = holds[cause] ?? Hold(cause: cause, since: since ?? wall, detail: detail)
        hold.detail = detail
        if case .jobProbe(let first, let longest) = HoldPolicy.policy(of: cause) {
            var backoff = backoffs[cause] ?? Backoff(first: first, longest: longest)
            // A whole step, not half of one: the API is broken for everyone, and a tenth is enough to spread workers.
            let step = backoff.bound
            _ = backoff.next(random: random)
            backoffs[cause] = backoff
            let ordinary = step + step / 10 * random
            // What was on hold before a restart is tested when it would have been, not a step later.
            let wait = since == nil ? max(ordinary, firstProbe ?? .zero) : firstProbe ?? ordinary
            hold.nextProbe = now + wait
            hold.nextProbeAt = wall + wait
        }
        if existed { hold.refusedProbes += 1 }
        holds[cause] = hold
        if wasProbe {
            // The other causes wait as well: one job is one test of them all.
            for (other, waiting) in holds where other != cause {
                guard let probe = waiting.nextProbe, let next = hold.nextProbe, probe < next else { continue }
                holds[other]?.nextProbe = next
                holds[other]?.nextProbeAt = hold.nextProbeAt
            }
        }
        return existed ? .probeRefused : .began
    }

    /// The probe ended in an answer that neither proves nor refutes: try again with another job after a step.
    mutating func probeWasInconclusive(at now: MonotonicTime, wall: Timestamp) {
        guard isProbing, let cause = holds.values.first(where: { $0.nextProbe != nil }) else { return }
        _ = engage(cause.cause, detail: cause.detail, wasProbe: true, at: now, wall: wall)
    }

    /// Ends a hold whose fault is gone. Returns it if it was there.
    mutating func lift(_ cause: HoldCause) -> Hold? {
        guard let hold = holds.removeValue(forKey: cause) else { return nil }
        backoffs[cause] = nil
        if holds.isEmpty {
            isProbing = false
            window = 1
            threshold = concurrency
        }
        return hold
    }

    /// Makes the next probe due at once. False if no hold is tested by a job.
    @discardableResult
    mutating func probeNow(at now: MonotonicTime, wall: Timestamp) -> Bool {
        guard holds.values.contains(where: { $0.nextProbe != nil }) else { return false }
        for cause in holds.keys where holds[cause]?.nextProbe != nil {
            holds[cause]?.nextProbe = now
            holds[cause]?.nextProbeAt = wall
        }
        return true
    }

    /// Whether what is in hand stays there: no hold lasts so long, or none permits handing back.
    func keepsDeliveries(at now: MonotonicTime) -> Bool {
        holds.values.allSatisfy { hold in
            guard HoldPolicy.permitsHandingBack(hold.cause) else { return true }
            guard let probe = hold.nextProbe else { return false }
            return probe - now < Self.longestKeptHold
        } || holds.values.contains { !HoldPolicy.permitsHandingBack($0.cause) }
    }
}
