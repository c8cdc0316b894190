import Clocks
import Ledger

/// What the other members of a cluster say, and what is said to them.
extension Dispatcher {
    /// What the others are to know, in its order. Each is answered by `answered`.
    func takeClusterChanges() -> [ClusterChange] { withGate { $0.takeClusterChanges() } }

    /// A change that was taken is written, or was no news.
    func answered(_ news: ClusterNews) {
        withGate { $0.answeredChange() }
        adopt(news)
    }

    /// Takes over what stands for all members. Calls that are under way go on.
    func adopt(_ news: ClusterNews) {
        let wall = clock.wall()
        changeHolds { state, now in
            state.gate.dividesRate(state.dispatch.limits.requestsPerSecond > 0)
            let lifted = state.gate.adopt(news, at: now, wall: wall)
            state.dispatch.rateDivisor = state.gate.rateDivisor
            let pauses = state.gate.takePauses()
            for account in pauses.begun { state.dispatch.pause(account, at: now) }
            for account in pauses.ended where state.dispatch.isPaused(account) {
                _ = state.dispatch.resume(account, at: now)
            }
            return lifted
        }
    }

    /// No hold stands, or each is one of all members: no other is more able to do what one does for all.
    var isHeldOnlyWithAll: Bool { withGate { gate in gate.holds.keys.allSatisfy { gate.heldCauses.isShared($0) } } }

    /// Whoever bears that name takes no work until it is resumed.
    func pause(member name: String, detail: String) {
        let wall = clock.wall()
        change { state, _ in state.gate.pause(member: name, detail: detail, wall: wall) }
    }

    /// True if it was paused.
    func resume(member name: String) -> Bool {
        var wasPaused = false
        change { state, _ in wasPaused = state.gate.resume(member: name) }
        return wasPaused
    }

    var pausedMembers: Set<String> { withGate { $0.pausedMembers } }

    /// The worker has its lanes, or has lost them.
    func consumes(_ isSo: Bool) {
        change { state, _ in state.gate.consumes(isSo) }
    }

    var clusterVersion: Int64 { withGate { $0.clusterVersion } }

    var probePermission: Gate.ProbePermission { withGate { $0.probePermission } }

    func renewedProbe(fence: Int64, until: MonotonicTime) {
        withGate { $0.renewedProbe(fence: fence, until: until) }
    }

    func refusedProbe(fence: Int64) {
        change { state, now in state.gate.refusedProbe(fence: fence, at: now) }
    }
}
