import Clocks
import Jobs
import Ledger

/// The holds that stand, and the rounds of jobs that test them.
struct Holds: Sendable {
    /// A hold whose probe comes within this keeps its deliveries; a longer one gives them back to the broker.
    static let longestKeptHold = Duration.seconds(60)
    /// A hold that comes back so soon goes on with the round that it was lifted in.
    static let returning = Duration.seconds(600)

    private(set) var byCause: [HoldCause: Hold] = [:] {
        didSet { revision += 1 }
    }
    /// Another one after each change of the holds.
    private(set) var revision = 0
    private var lifted: [HoldCause: (round: Int, at: MonotonicTime)] = [:]
    /// Jobs that failed in the holds that stand.
    private(set) var failed: Set<JobID> = []
    /// Jobs may be chosen, or one is in flight, to test the holds.
    var round: ProbeRound?
    /// An operator asked for the round, so that it counts for none of the hold's own.
    var isExtraRound = false
    /// Nil: the worker shares its holds with nobody.
    var sharing: ClusterSharing?

    /// Some of them end by probes.
    var areTested: Bool { byCause.values.contains { $0.nextProbe != nil } }

    /// Some of them end by probes, and no probe of this member has just contradicted them: those are as good as lifted,
    /// and whoever says so has not failed in them.
    var standUncontradicted: Bool {
        byCause.values.contains { $0.nextProbe != nil && sharing?.contradicted.contains($0.cause) != true }
    }

    // MARK: Begin and end

    /// Sets the hold, or renews its words. `atLeast`: what the API named before it is called again.
    mutating func engage(
        _ cause: HoldCause, detail: String, threshold: Int? = nil, ended: [JobID] = [], atLeast least: Duration? = nil,
        at now: MonotonicTime, wall: Timestamp
    ) {
        if let before = byCause[cause] {
            if before.detail != detail { byCause[cause]?.detail = detail }
            share(before)
            return
        }
        let hold = newHold(
            cause, detail: detail, threshold: threshold, ended: ended, atLeast: least, at: now, wall: wall)
        share(hold)
        set(hold)
    }

    /// A hold that begins now, with its first round.
    func newHold(
        _ cause: HoldCause, detail: String, threshold: Int?, ended: [JobID], atLeast least: Duration?,
        at now: MonotonicTime, wall: Timestamp
    ) -> Hold {
        var hold = Hold(cause: cause, since: wall, detail: detail)
        hold.threshold = threshold
        hold.ended = ended
        if let plan = HoldPolicy.of(cause).probe {
            if let before = lifted[cause], now - before.at <= Self.returning { hold.round = before.round }
            hold.wait(max(least ?? .zero, Self.jittered(plan.wait(before: hold.round))), at: now, wall: wall)
        }
        return hold
    }

    /// The hold stands.
    mutating func set(_ hold: Hold) {
        let isNew = byCause[hold.cause] == nil
        byCause[hold.cause] = hold
        guard isNew else { return }
        if hold.nextProbe == nil {
            // No call begins while such a hold stands, not even to probe the other holds.
            round = nil
            sharing?.returnTurn()
        } else if needsTurn, sharing?.turn == nil {
            // The round was for holds of this member alone.
            round = nil
        }
    }

    /// A hold of an earlier run. Its first round comes after `wait`.
    mutating func restore(
        _ cause: HoldCause, since: Timestamp, detail: String, after wait: Duration, at now: MonotonicTime,
        wall: Timestamp
    ) {
        var hold = Hold(cause: cause, since: since, detail: detail)
        if HoldPolicy.of(cause).probe != nil { hold.wait(wait, at: now, wall: wall) }
        set(hold)
    }

    /// What a probe was answered lifts every hold that it contradicts. Returns those that are over by it; what all
    /// members share is over when that is written.
    mutating func lift(by word: HoldPolicy.Word, at now: MonotonicTime) -> [Hold] {
        guard round != nil else { return [] }
        let contradicted = byCause.values.filter { $0.policy.isLifted(by: word, threshold: $0.threshold) }
        let shared = Set(contradicted.map(\.cause).filter { isShared($0) })
        if !shared.isEmpty, let turn = sharing?.turn {
            sharing?.changes.append(.lift(shared, by: turn.fence))
            sharing?.contradicted.formUnion(shared)
        }
        let gone = contradicted.filter { !shared.contains($0.cause) }
        for hold in gone { end(hold, at: now) }
        return gone
    }

    /// Ends a hold whose fault is gone, as whoever set it says. Returns it if it was there and is over; what all members
    /// share is over when that is written.
    mutating func lift(_ cause: HoldCause) -> Hold? {
        guard let hold = byCause[cause] else { return nil }
        if cause == .memberPaused, let sharing {
            _ = resume(member: sharing.name)
            return nil
        }
        guard !isShared(cause) else {
            if sharing?.lifting.insert(cause).inserted == true { sharing?.changes.append(.lift([cause], by: nil)) }
            return nil
        }
        lifted[cause] = nil
        remove(cause)
        return hold
    }

    /// The hold was lifted by a probe, or by whoever set it. Coming back soon, a tested one goes on where it was.
    mutating func end(_ hold: Hold, at now: MonotonicTime) {
        lifted[hold.cause] = hold.nextProbe == nil ? nil : (hold.round, now)
        remove(hold.cause)
    }

    private mutating func remove(_ cause: HoldCause) {
        byCause[cause] = nil
        guard !areTested else { return }
        round = nil
        isExtraRound = false
        failed = []
    }

    // MARK: Rounds

    /// The holds end only by probes, and the next round is due at that time.
    var nextProbe: MonotonicTime? {
        guard !byCause.isEmpty, round == nil, byCause.values.allSatisfy({ $0.nextProbe != nil }) else { return nil }
        let time = byCause.values.compactMap(\.nextProbe).max()
        guard needsTurn else { return time }
        return sharing?.isAsking == true ? nil : .latest(time, sharing?.asksAgain)
    }

    /// Begins a round whose time has come, and ends one that is over. `isCalling`: a probe is in flight; `hasUntried`:
    /// a job that has not failed is in flight, and may be called.
    mutating func advance(isCalling: Bool, hasUntried: Bool, at now: MonotonicTime, wall: Timestamp) {
        if let round, !isCalling, round.isOver(hasUntried: hasUntried, at: now) {
            endRound(atLeast: round.leastWait, at: now, wall: wall)
        }
        dropLapsedTurn(at: now)
        guard let time = nextProbe, time <= now else { return }
        guard needsTurn else { return beginRound(at: now) }
        // While a call is under way it would have no use for it.
        if !isCalling { askForTurn(hasFit: hasUntried, at: now) }
    }

    mutating func beginRound(at now: MonotonicTime) {
        let sizes = byCause.values.map { ProbePlan.jobs(inRound: $0.round, threshold: $0.threshold ?? 1) }
        round = ProbeRound(limit: max(sizes.max() ?? 1, isExtraRound ? ProbePlan.firstRound : 1), at: now)
    }

    private mutating func endRound(atLeast least: Duration, at now: MonotonicTime, wall: Timestamp) {
        round = nil
        for cause in byCause.keys {
            // One that began in this round has its time.
            guard let probe = byCause[cause]?.nextProbe, probe <= now, let plan = HoldPolicy.of(cause).probe else {
                continue
            }
            if !isExtraRound { byCause[cause]?.round += 1 }
            let wait = max(least, Self.jittered(plan.wait(before: byCause[cause]?.round ?? 0)))
            byCause[cause]?.wait(wait, at: now, wall: wall)
        }
        isExtraRound = false
        guard let sharing, let turn = sharing.turn else { return }
        let tested = byCause.values.filter { isShared($0.cause) }.map { SharedHold($0, of: sharing.member) }
        self.sharing?.changes.append(.endRound(fence: turn.fence, tested))
        self.sharing?.turn = nil
    }

    /// A tenth more is enough to spread several workers.
    private static func jittered(_ wait: Duration) -> Duration { wait + wait / 10 * Double.random(in: 0..<1) }

    /// Begins a round at once, at least as large as a first one. False if no hold is tested by jobs now: there is none,
    /// or another stands that nobody tests, and the round begins when that ends.
    mutating func probeNow(at now: MonotonicTime, wall: Timestamp) -> Bool {
        guard areTested else { return false }
        guard round == nil else { return true }
        let isUntested = byCause.values.contains { $0.nextProbe == nil }
        if needsTurn {
            sharing?.changes += isUntested ? [.probeNow] : [.probeNow, .beginProbe]
            sharing?.isAsking = !isUntested
        }
        for cause in byCause.keys where byCause[cause]?.nextProbe != nil {
            byCause[cause]?.wait(.zero, at: now, wall: wall)
        }
        isExtraRound = true
        // Beside a fault of this member alone the others test what is everybody's.
        return byCause.values.allSatisfy { $0.nextProbe != nil || (needsTurn && !isShared($0.cause)) }
    }

    /// A delivery came while a round is on.
    mutating func delivered(_ job: JobID, at now: MonotonicTime) {
        if !failed.contains(job) { round?.heard(at: now) }
    }

    mutating func chose(_ account: AccountID, at now: MonotonicTime) { round?.chose(account, at: now) }

    /// A job failed while holds stand. `isConclusive`: another one would fare no better, and this one is not at fault.
    mutating func failed(
        _ job: JobID, isProbe: Bool, isConclusive: Bool, atLeast wait: Duration?, at now: MonotonicTime
    ) {
        if isProbe { tried(job, isConclusive: isConclusive, atLeast: wait, at: now) }
        failed.insert(job)
    }

    /// A probe came to something, and the holds stand. More than one answer to a job count once.
    mutating func tried(_ job: JobID, isConclusive: Bool, atLeast wait: Duration?, at now: MonotonicTime) {
        guard round?.tried(job, isConclusive: isConclusive, atLeast: wait, at: now) == true else { return }
        for cause in byCause.keys where byCause[cause]?.nextProbe != nil { byCause[cause]?.refusedProbes += 1 }
    }

    /// How long what has failed stays away: past the round that is on, and past the next if that is near. Before one
    /// that is far it is back in the broker's queue, where an operator's round and the end of the hold find it.
    func awayTime(at now: MonotonicTime) -> Duration {
        let next: Duration
        if round == nil {
            next = max(.zero, (nextProbe ?? now) - now)
        } else {
            next = byCause.values.compactMap { $0.policy.probe?.wait(before: $0.round + 1) }.max() ?? .zero
        }
        let isNear = next < Self.longestKeptHold
        return (round?.remaining(at: now) ?? .zero) + (isNear ? next : .zero)
            + (isNear || round == nil ? ProbePlan.longestRound : .zero)
    }

    /// Whether what is in flight stays there: publishing is what is broken, or every hold is tested again soon.
    func keepsDeliveries(at now: MonotonicTime) -> Bool {
        byCause.values.contains { !$0.policy.permitsRelease }
            || byCause.values.allSatisfy { hold in hold.nextProbe.map { $0 - now < Self.longestKeptHold } ?? false }
    }
}

extension Hold {
    fileprivate mutating func wait(_ time: Duration, at now: MonotonicTime, wall: Timestamp) {
        nextProbe = now + time
        nextProbeAt = wall + time
    }
}
