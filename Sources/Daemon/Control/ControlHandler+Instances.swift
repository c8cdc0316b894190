import Clocks
import Jobs
import Ledger
import Monitoring
import Operations
import Pipeline

/// What is said of one daemon among those that share a ledger, at any of them.
extension ControlHandler {
    func pause(
        instance name: String, by who: String, until deadline: MonotonicTime
    ) async throws(ControlFault) -> PauseRequest.Answer {
        guard let own = parts.ledger.member else {
            try requireSelf(name)
            pipeline.pause(by: who)
            return .init(paused: HoldCause.operatorPaused.rawValue)
        }
        // Whoever is asked for itself needs nobody to know that it lives.
        if name != own.name, try await live(name).isEmpty { throw await noInstance(name) }
        await pipeline.hearOthers(until: deadline)
        pipeline.pause(member: name, by: "\(who) at \(own.name)")
        let cluster = await acknowledgement(of: name, until: deadline)
        guard pipeline.pausedMembers.contains(name) else {
            throw .unavailable(
                "\(ClusterState.mostPausedMembers) names are paused, as many as can be: \(paused); resume those that "
                    + "are gone for good")
        }
        return .init(paused: name, cluster: cluster)
    }

    /// Also one that has ended: whoever begins under its name works again.
    func resume(
        instance name: String, until deadline: MonotonicTime
    ) async throws(ControlFault) -> ResumeRequest.Answer {
        guard parts.ledger.member != nil else {
            try requireSelf(name)
            guard pipeline.resume(.operatorPaused) == .lifted else { throw .unknown("\(name) is not paused") }
            return .init(lifted: [HoldCause.operatorPaused.rawValue], isProbing: false)
        }
        guard pipeline.resume(member: name) else {
            if try await live(name).isEmpty { throw await noInstance(name) }
            let areAllPaused = pipeline.snapshot.holds.contains { $0.cause == .operatorPaused }
            throw .unknown(
                "\(name) is not paused alone" + (areAllPaused ? "; all are: `resume` without an instance" : ""))
        }
        return .init(
            lifted: [HoldCause.memberPaused.rawValue], isProbing: false,
            cluster: await acknowledgement(of: name, until: deadline))
    }

    /// Nil where nobody is there to give it.
    private func acknowledgement(of name: String, until deadline: MonotonicTime) async -> Acknowledgement? {
        let found = await pipeline.acknowledgement(of: name, until: deadline)
        guard found == .complete, let live = try? await live(name), live.isEmpty else { return found }
        return nil
    }

    // MARK: Holds

    /// What holds others, and not this daemon as well, as they have said it last.
    func otherHolds() -> [HoldsRequest.Member]? {
        guard let own = parts.ledger.member else { return nil }
        let here = Set(pipeline.snapshot.holds.map(\.cause.rawValue))
        return (front.metrics.lastMembers ?? []).filter { $0.state.isLive && $0.epoch != own.epoch }
            .map { holds(of: $0, without: here) }.filter { !$0.holds.isEmpty }
    }

    func holds(of name: String) async throws(ControlFault) -> HoldsRequest.Answer {
        guard let own = parts.ledger.member else {
            try requireSelf(name)
            return ownHolds(nil)
        }
        // What holds itself this daemon knows without the ledger.
        let isOwn = name == own.name
        let found: [ClusterMember]
        if isOwn { found = (try? await live(name)) ?? [] } else { found = try await live(name) }
        if found.isEmpty, !isOwn { throw await noInstance(name) }
        let others = found.filter { $0.epoch != own.epoch }.map { holds(of: $0, without: []) }
        return isOwn ? ownHolds(others) : .init(holds: [], accounts: [], members: others)
    }

    func ownHolds(_ others: [HoldsRequest.Member]?) -> HoldsRequest.Answer {
        .init(
            holds: tracker.status().holds,
            accounts: pipeline.accountHolds.map {
                .init(account: $0.account, cause: $0.cause, until: $0.until, detail: $0.detail)
            }, members: others)
    }

    /// Whether it is paused this daemon has heard sooner than the other one has said it.
    private func holds(of member: ClusterMember, without known: Set<String>) -> HoldsRequest.Member {
        let pause = HoldCause.memberPaused.rawValue
        var causes = (DaemonStatus.Member(member).report?.holds ?? []).filter { $0 != pause && !known.contains($0) }
        if pipeline.pausedMembers.contains(member.name) { causes.append(pause) }
        return .init(name: member.name, epoch: member.epoch, holds: causes)
    }

    // MARK: Names

    private func live(_ name: String) async throws(ControlFault) -> [ClusterMember] {
        try await members().filter { $0.name == name && $0.state.isLive }
    }

    private func members() async throws(ControlFault) -> [ClusterMember] {
        guard let members = try? await parts.ledger.members() else {
            throw .unavailable("the ledger cannot say now who shares it")
        }
        return members
    }

    private func noInstance(_ name: String) async -> ControlFault {
        let live = ((try? await members()) ?? []).filter(\.state.isLive).map(\.name)
        return .unknown(
            "no daemon that shares the ledger is called \(name); there are \(Set(live).sorted().joined(separator: ", "))"
                + (pipeline.pausedMembers.isEmpty ? "" : "; paused are \(paused)"))
    }

    private var paused: String { pipeline.pausedMembers.sorted().joined(separator: ", ") }

    /// Whoever shares its ledger with nobody speaks for itself alone.
    private func requireSelf(_ name: String) throws(ControlFault) {
        guard name != settings.instance else { return }
        throw .unknown("this daemon shares its ledger with nobody, and is itself called \(settings.instance)")
    }
}
