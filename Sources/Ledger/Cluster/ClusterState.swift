package import Clocks
package import Jobs

/// What the members of a cluster share besides the jobs: which holds stand, and whose turn it is to test them.
///
/// One value with one version. Whoever changes it loads it, applies the change, and writes it if the version is still the
/// one that was loaded; else it loads again. So every rule of it is here, and a storage engine has none.
package struct ClusterState: Equatable, Sendable {
    /// Another one after each change.
    package var version: Int64 = 0
    package var holds: [HoldCause: SharedHold] = [:]
    package var turn: ProbeTurn?
    /// Of the newest turn that was given.
    package var lastFence: Int64 = 0
    /// An operator asked for the next round, so that it counts for none of the holds' own.
    package var isExtraRound = false
    package var firstCaller: FirstCaller?
    /// Of how many parts of what all have together each member takes one. Who is not here has none.
    package var parts: [Int64: Int] = [:]
    /// Members that have no use for a part: the others divide among themselves.
    package var withoutParts: Set<Int64> = []

    /// In the order in which it was met.
    package var evidence: [ClusterEvidence] = []
    /// Who has met what may be one member's own fault, and when first since the last success of anybody.
    package var met: [HoldCause: [Int64: Timestamp]] = [:]
    /// Accounts that an operator has paused.
    package var pausedAccounts: Set<AccountID> = []
    /// Members that an operator has paused, by name: the process that bears it may be another one tomorrow.
    package var pausedMembers: [String: MemberPause] = [:]
    /// Since when each member that has its lanes has had them.
    package var consumingSince: [Int64: Timestamp] = [:]
    package var duties: [ClusterDuty: DutyHolder] = [:]

    package init() {}

    /// Some of the holds end by probes.
    package var areTested: Bool { holds.values.contains { $0.nextProbe != nil } }

    /// The turn that runs at `now`, if one does.
    package func runningTurn(at now: Timestamp) -> ProbeTurn? {
        turn.flatMap { $0.until >= now ? $0 : nil }
    }

    /// When a turn may be asked for: the holds end only by probes, and the next round is due then.
    package var nextRound: Timestamp? {
        guard !holds.isEmpty, holds.values.allSatisfy({ $0.nextProbe != nil }) else { return nil }
        return holds.values.compactMap(\.nextProbe).max()
    }

    /// Whether all of these members have had their lanes since that time, so that what a queue had for them they have got.
    package func allConsume(_ members: Set<Int64>, since time: Timestamp) -> Bool {
        members.allSatisfy { member in consumingSince[member].map { $0 <= time } ?? false }
    }

    /// More are not kept: each member reads them all.
    package static let mostPausedAccounts = 1_000
    /// Bytes of their ids: all that is shared is sent at once.
    package static let longestPausedAccounts = 32_768
    /// More than there are daemons. Names of hosts that are gone for good stay until they are resumed.
    package static let mostPausedMembers = 100

    // MARK: Changes

    /// Applies the change of a member at a time of the database's clock, or leaves everything as it is: then it is
    /// refused, because it came too late or is no news. `alive`: the members that are, as they were when the state was
    /// read. `turnTime`: how long a probe may take from its claim to the end of its call.
    package mutating func apply(
        _ change: ClusterChange, by member: Int64, alive: Set<Int64>, turnTime: Duration, at now: Timestamp
    ) -> Bool {
        var next = self
        let alive = alive.union([member])
        guard next.accept(change, by: member, alive: alive, turnTime: turnTime, at: now), next != self else {
            return false
        }
        next.version += 1
        self = next
        return true
    }

    private mutating func accept(
        _ change: ClusterChange, by member: Int64, alive: Set<Int64>, turnTime: Duration, at now: Timestamp
    ) -> Bool {
        switch change {
        case .engage(let hold): engage(hold)
        case .lift(let causes, nil): remove(causes)
        case .lift(let causes, let fence?):
            guard let turn = runningTurn(at: now), turn.fence == fence else { return false }
            remove(causes)
            if !areTested { firstCaller = FirstCaller(member: member, until: now + turnTime) }
        case .beginProbe:
            guard let time = nextRound, time <= now, runningTurn(at: now) == nil else { return false }
            lastFence += 1
            turn = ProbeTurn(member: member, fence: lastFence, until: now + turnTime)
        case .renewProbe(let fence):
            guard let turn = runningTurn(at: now), turn.fence == fence else { return false }
            self.turn?.until = now + turnTime
        case .endRound(let fence, let tested):
            // One that lapsed has still tried what it says, until another has begun.
            guard turn?.fence == fence else { return false }
            endRound(tested)
        case .probeNow:
            guard areTested else { return false }
            for cause in holds.keys where holds[cause]?.nextProbe != nil { holds[cause]?.nextProbe = now }
            isExtraRound = true
        case .letOthersStart:
            guard firstCaller?.member == member else { return false }
            firstCaller = nil
        case .testify(let found, let hold):
            guard holds[hold.cause] == nil else { return false }
            evidence.note(found)
            if evidence.isSystemic { engage(hold) }
        case .meet(let hold):
            guard holds[hold.cause] == nil else { return false }
            meet(hold, by: member, alive: alive, at: now)
        case .disprove(let isSuccess):
            evidence.removeAll { isSuccess || $0.isFailure }
            if isSuccess { met = [:] }
        case .divide: divide(for: member, alive: alive)
        case .leaveParts:
            parts = parts.filter { alive.contains($0.key) && $0.key != member }
            withoutParts = withoutParts.intersection(alive).union([member])
        case .pause(let account):
            let bytes = pausedAccounts.reduce(account.utf8.count) { $0 + $1.utf8.count }
            guard pausedAccounts.count < Self.mostPausedAccounts, bytes <= Self.longestPausedAccounts
            else { return false }
            pausedAccounts.insert(account)
        case .resume(let account): pausedAccounts.remove(account)
        case .pauseMember(let name, let detail):
            guard pausedMembers[name] == nil, pausedMembers.count < Self.mostPausedMembers else { return false }
            pausedMembers[name] = MemberPause(since: now, detail: detail)
        case .resumeMember(let name): pausedMembers[name] = nil
        case .consumes(let isSo):
            consumingSince = consumingSince.filter { alive.contains($0.key) }
            consumingSince[member] = isSo ? now : nil
        case .take(let duty): return take(duty, by: member, alive: alive, at: now)
        }
        return true
    }

    /// So long a success of anybody has had to contradict what a member has met: whoever succeeds says so with the next
    /// call after it has heard.
    package static let contradictionTime = Duration.seconds(3)

    private mutating func meet(_ hold: SharedHold, by member: Int64, alive: Set<Int64>, at now: Timestamp) {
        var members = (met[hold.cause] ?? [:]).filter { alive.contains($0.key) }
        members[member] = members[member] ?? now
        met[hold.cause] = members
        let others = members.filter { $0.key != member && $0.value + Self.contradictionTime <= now }
        if !others.isEmpty { engage(hold) }
    }

    /// Whoever has it keeps it, without a new version of all this each time.
    private mutating func take(_ duty: ClusterDuty, by member: Int64, alive: Set<Int64>, at now: Timestamp) -> Bool {
        if let holder = duties[duty], holder.until >= now {
            let isKept = holder.member != member && alive.contains(holder.member)
            guard !isKept, holder.member != member || holder.until - now < duty.time / 2 else { return false }
        }
        duties[duty] = DutyHolder(member: member, until: now + duty.time)
        return true
    }

    private mutating func engage(_ hold: SharedHold) {
        // The member that began again after the last hold is refused as well.
        firstCaller = nil
        guard holds[hold.cause] == nil else {
            holds[hold.cause]?.detail = hold.detail
            return
        }
        holds[hold.cause] = hold
        evidence.removeAll { $0.cause == hold.cause }
        met[hold.cause] = nil
        // No call begins while such a hold stands, not even to test the others.
        if hold.nextProbe == nil { turn = nil }
    }

    private mutating func remove(_ causes: Set<HoldCause>) {
        for cause in causes { holds[cause] = nil }
        evidence.removeAll { causes.contains($0.cause) }
        guard !areTested else { return }
        turn = nil
        isExtraRound = false
    }

    /// Parts shrink before they grow: the sum of all is the whole at most.
    private mutating func divide(for member: Int64, alive: Set<Int64>) {
        parts = parts.filter { alive.contains($0.key) }
        withoutParts = withoutParts.intersection(alive).subtracting([member])
        // Known without a part, so that the others hear of it.
        let before = parts[member, default: 0]
        parts[member] = before
        let sharers = alive.subtracting(withoutParts).count
        let others = parts.filter { $0.key != member && $0.value > 0 }.reduce(0) { $0 + 1 / Double($1.value) }
        let isSmaller = before > 0 && before < sharers
        if isSmaller || others + 1 / Double(sharers) <= Self.whole { parts[member] = sharers }
    }

    /// With what is lost in adding fractions.
    private static let whole = 1 + 1e-9

    private mutating func endRound(_ tested: [SharedHold]) {
        turn = nil
        isExtraRound = false
        for hold in tested {
            guard let before = holds[hold.cause] else { continue }
            holds[hold.cause]?.nextProbe = hold.nextProbe
            holds[hold.cause]?.round = hold.round
            holds[hold.cause]?.refusedProbes = max(before.refusedProbes, hold.refusedProbes)
        }
    }
}
