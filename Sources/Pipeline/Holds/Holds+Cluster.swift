import Clocks
import Jobs
import Ledger

/// Holds that stand for all members of a cluster.
extension Holds {
    /// Whether only a member that has the turn may begin a round.
    var needsTurn: Bool { sharing != nil && byCause.values.contains { isShared($0.cause) } }

    func isShared(_ cause: HoldCause) -> Bool {
        guard let sharing else { return false }
        switch HoldPolicy.of(cause).reach {
        case .cluster: return true
        case .member: return false
        case .memberThenCluster: return sharing.owners[cause] != nil
        }
    }

    /// Says to the others what this member holds for, or held for again, as far as that may be theirs too.
    mutating func share(_ hold: Hold) {
        guard let sharing else { return }
        switch HoldPolicy.of(hold.cause).reach {
        case .cluster:
            // Whoever renews the words of a hold says nothing new to the others.
            guard byCause[hold.cause] == nil else { return }
            self.sharing?.changes.append(.engage(SharedHold(hold, of: sharing.member)))
        case .member: break
        case .memberThenCluster:
            guard !isShared(hold.cause) else { return }
            self.sharing?.changes.append(.meet(SharedHold(hold, of: sharing.member)))
        }
    }

    /// Takes over what stands for all. Returns the holds that are over by it. A state that does not contain yet what
    /// this member has said changes nothing: a later one will.
    mutating func adopt(_ state: ClusterState, at now: MonotonicTime, wall: Timestamp) -> [Hold] {
        guard let sharing, sharing.isSettled, state.version >= sharing.version else { return [] }
        let wasAsking = sharing.isAsking
        self.sharing?.version = state.version
        self.sharing?.isAsking = false
        self.sharing?.lifting = []
        self.sharing?.contradicted = []
        self.sharing?.hasFailures = state.evidence.contains(where: \.isFailure)
        self.sharing?.hasRefusals = state.evidence.contains { !$0.isFailure } || !state.met.isEmpty
        self.sharing?.adoptPauses(state.pausedAccounts)
        // As long as they are known to be shared, which a hold of one member alone is not.
        var gone = byCause.values.filter { isShared($0.cause) && state.holds[$0.cause] == nil }
        self.sharing?.owners = state.holds.mapValues(\.member)
        self.sharing?.pausedMembers = state.pausedMembers
        if let own = byCause[.memberPaused], state.pausedMembers[sharing.name] == nil { gone.append(own) }
        for hold in gone { end(hold, at: now) }
        if let pause = state.pausedMembers[sharing.name] { adopt(pause) }
        for shared in state.holds.values { adopt(shared, at: now, wall: wall) }
        if needsTurn { isExtraRound = state.isExtraRound }
        adopt(state.runningTurn(at: wall), wasAsking: wasAsking, at: now, wall: wall)
        let firstCaller = state.firstCaller.flatMap { $0.until > wall ? $0 : nil }
        self.sharing?.isFirstCaller = firstCaller?.member == sharing.member
        self.sharing?.waitsForFirstCaller = firstCaller.flatMap {
            $0.member == sharing.member ? nil : now + ($0.until - wall)
        }
        return gone
    }

    /// This member takes no work, as an operator has said of its name.
    private mutating func adopt(_ pause: MemberPause) {
        let hold = Hold(cause: .memberPaused, since: pause.since, detail: pause.detail)
        if byCause[.memberPaused] != hold { set(hold) }
    }

    private mutating func adopt(_ shared: SharedHold, at now: MonotonicTime, wall: Timestamp) {
        let before = byCause[shared.cause]
        var hold = before ?? Hold(cause: shared.cause, since: shared.since, detail: shared.detail)
        hold.detail = shared.detail
        hold.round = shared.round
        hold.threshold = shared.threshold
        hold.refusedProbes = max(hold.refusedProbes, shared.refusedProbes)
        if hold.nextProbeAt != shared.nextProbe {
            hold.nextProbeAt = shared.nextProbe
            hold.nextProbe = shared.nextProbe.map { now + ($0 - wall) }
        }
        if hold != before { set(hold) }
    }

    private mutating func adopt(
        _ turn: ProbeTurn?, wasAsking: Bool, at now: MonotonicTime, wall: Timestamp
    ) {
        guard let turn, turn.member == sharing?.member else {
            loseTurn()
            if let turn {
                sharing?.asksAgain = now + (turn.until - wall) + .milliseconds(1)
            } else {
                sharing?.asksAgain = wasAsking ? now + ClusterSharing.shortestPause : nil
            }
            return
        }
        sharing?.asksAgain = nil
        sharing?.turn = (turn.fence, now + (turn.until - wall))
        guard round == nil else { return }
        guard byCause.values.allSatisfy({ $0.nextProbe != nil }) else {
            sharing?.returnTurn()
            return
        }
        beginRound(at: now)
    }

    /// The turn is over, and with it the round that it permitted, and what its probes have said and nobody has written.
    mutating func loseTurn() {
        sharing?.turn = nil
        sharing?.contradicted = []
        if needsTurn { round = nil }
    }

    /// Takes back what only its reporter would, where that one is not alive any more: it would stand for ever.
    mutating func liftOrphans() {
        guard let sharing else { return }
        for (cause, owner) in sharing.owners where !sharing.alive.contains(owner) && byCause[cause] != nil {
            let policy = HoldPolicy.of(cause)
            if policy.probe == nil, policy.afterRestart == .ends { _ = lift(cause) }
        }
    }

    /// A turn that ran out while nothing came to be tried. Others may have something.
    mutating func dropLapsedTurn(at now: MonotonicTime) {
        guard let turn = sharing?.turn, turn.until < now else { return }
        loseTurn()
        sharing?.asksAgain = now
    }

    /// The turn with that fence was refused to a probe.
    mutating func refusedProbe(fence: Int64, at now: MonotonicTime) {
        guard sharing?.turn?.fence == fence else { return }
        loseTurn()
        sharing?.asksAgain = now + ClusterSharing.shortestPause
    }

    // MARK: Paused members

    /// What an operator says here of a member is everybody's to know, and holds who bears that name when it is written,
    /// this member too: while nothing can be written it holds for that.
    mutating func pause(member name: String, detail: String, wall: Timestamp) {
        guard let sharing, sharing.pausedMembers[name] == nil else { return }
        self.sharing?.pausedMembers[name] = MemberPause(since: wall, detail: detail)
        self.sharing?.changes.append(.pauseMember(name, detail: detail))
    }

    /// True if it was paused. Until that is written it is.
    mutating func resume(member name: String) -> Bool {
        guard sharing?.pausedMembers[name] != nil else { return false }
        sharing?.changes.append(.resumeMember(name))
        return true
    }

    // MARK: Evidence

    /// Says that a call was refused or failed, where nobody is held for it.
    mutating func testify(
        _ evidence: ClusterEvidence, threshold: Int?, detail: String, at now: MonotonicTime, wall: Timestamp
    ) {
        guard let sharing, !areTested else { return }
        let hold = newHold(
            evidence.cause, detail: detail, threshold: threshold, ended: [], atLeast: nil, at: now, wall: wall)
        self.sharing?.changes.append(.testify(evidence, SharedHold(hold, of: sharing.member)))
    }

    /// Says that a call was heard, or succeeded, if anybody has said the contrary. What this member has to say to the
    /// contrary, and has not said yet, is not said any more: by the time that it is, others have long succeeded.
    mutating func disprove(isSuccess: Bool) {
        sharing?.forgetEvidence(isSuccess: isSuccess)
        guard let sharing, sharing.hasFailures || (isSuccess && sharing.hasRefusals) else { return }
        self.sharing?.hasFailures = false
        if isSuccess { self.sharing?.hasRefusals = false }
        self.sharing?.changes.append(.disprove(isSuccess: isSuccess))
    }

    // MARK: Asking

    /// Whether this member asks for the turn now. `hasFit`: it has a job that may test the holds; who has none leaves
    /// the turn to others for a moment.
    mutating func askForTurn(hasFit: Bool, at now: MonotonicTime) {
        guard let time = nextProbe, hasFit || now >= time + ProbePlan.quiet else { return }
        sharing?.isAsking = true
        sharing?.changes.append(.beginProbe)
    }

    /// When there is something to be done though nothing happens.
    func nextCheck(at now: MonotonicTime) -> MonotonicTime? {
        guard sharing != nil else { return round?.nextCheck(at: now) ?? nextProbe }
        let start = sharing?.waitsForFirstCaller.flatMap { $0 > now ? $0 : nil }
        if let round {
            let lapse = sharing?.turn.map { $0.until + .milliseconds(1) }
            return .earliest(.earliest(round.nextCheck(at: now), lapse), start)
        }
        guard let nextProbe, needsTurn, nextProbe <= now else { return .earliest(nextProbe, start) }
        let asks = nextProbe + ProbePlan.quiet
        return .earliest(asks > now ? asks : now + ProbePlan.quiet, start)
    }
}
