package import Clocks
import Concurrency
package import Ledger

/// What several workers share in memory besides jobs, by one clock, which is the database's and every worker's. It decides
/// nothing: `ClusterState` and `DayAllotments` do.
package final class SharedCluster: Sendable {
    struct State {
        var shared = ClusterState()
        var days: [String: DayAllotments] = [:]
        var members: Set<Int64> = []
        var acknowledged: [Int64: Int64] = [:]
    }

    let state = Lock(State())
    let jobs: SharedJobs
    let durations: LeaseDurations
    let clock: any TimeSource

    package init(over jobs: SharedJobs, durations: LeaseDurations = SharedMemoryLedger.durations, clock: any TimeSource)
    {
        self.jobs = jobs
        self.durations = durations
        self.clock = clock
    }

    /// As it stands.
    package var shared: ClusterState { state.withLock { $0.shared } }

    package func allotments(of day: String) -> DayAllotments { state.withLock { $0.days[day] ?? DayAllotments() } }

    /// The worker of that ledger is a member from now on.
    package func join(_ ledger: SharedMemoryLedger) -> MemoryCluster {
        state.withLock { _ = $0.members.insert(ledger.worker) }
        return MemoryCluster(of: self, epoch: ledger.worker, name: "m\(ledger.worker)")
    }

    /// The member is known to have ended: it claims nothing more.
    package func noteEnd(of member: MemoryCluster) {
        jobs.state.withLock { _ = $0.ended.insert(member.epoch) }
        state.withLock { _ = $0.members.remove(member.epoch) }
    }
}

/// One member's view.
package final class MemoryCluster: Cluster {
    private let cluster: SharedCluster
    package let epoch: Int64
    package let name: String
    /// Whether nothing of it arrives any more, nor anything at it.
    private let error = Lock<LedgerError?>(nil)
    private let losesAnswer = Lock(false)
    private let accepted = Lock<[ClusterChange]>([])

    init(of cluster: SharedCluster, epoch: Int64, name: String) {
        self.cluster = cluster
        self.epoch = epoch
        self.name = name
    }

    /// The changes of this member that were no refused ones, in their order.
    package var changes: [ClusterChange] { accepted.withLock { $0 } }

    /// The next question about the day is done, and its answer does not come.
    package func loseNextAnswer() { losesAnswer.withLock { $0 = true } }

    package func cut() { error.withLock { $0 = .unavailable("cut") } }
    package func mend() { error.withLock { $0 = nil } }

    /// Its ledger is closed.
    package func close() { error.withLock { $0 = .closed } }

    private func check() throws(LedgerError) {
        if let error = error.withLock({ $0 }) { throw error }
    }

    package func look(since version: Int64) async throws(LedgerError) -> ClusterNews {
        try check()
        return cluster.state.withLock { state in
            ClusterNews(
                state: state.shared.version == version ? nil : state.shared, alive: state.members.union([epoch]),
                member: epoch)
        }
    }

    package func change(_ change: ClusterChange) async throws(LedgerError) -> ClusterAnswer {
        try check()
        let beginsBefore = cluster.clock.now() + cluster.durations.sendWindow
        let (isAccepted, state) = cluster.state.withLock { state in
            let isAccepted = state.shared.apply(
                change, by: epoch, alive: state.members, turnTime: cluster.durations.whole, at: cluster.clock.wall())
            return (isAccepted, state.shared)
        }
        if isAccepted { accepted.withLock { $0.append(change) } }
        return ClusterAnswer(isAccepted: isAccepted, state: state, beginsBefore: beginsBefore)
    }

    package func allot(_ request: DayRequest) async throws(LedgerError) -> DayAnswer {
        try check()
        let answer = cluster.state.withLock { state in
            let spent = cluster.jobs.state.withLock { $0.spent[request.day] ?? [:] }
            let answer = state.days[request.day, default: DayAllotments()].apply(
                request, by: epoch, alive: state.members, spent: spent)
            cluster.jobs.state.withLock { $0.allotted[request.day, default: [:]][epoch] = answer.share.allotted }
            return answer
        }
        let isLost = losesAnswer.withLock { losesAnswer in
            defer { losesAnswer = false }
            return losesAnswer
        }
        if isLost { throw .unavailable("the answer is lost") }
        return answer
    }

    package func acknowledge(_ version: Int64) async throws(LedgerError) {
        try check()
        cluster.state.withLock { $0.acknowledged[epoch] = max(version, $0.acknowledged[epoch] ?? version) }
    }

    package func membersBehind(_ version: Int64) async throws(LedgerError) -> [MemberIdentity] {
        try check()
        return cluster.state.withLock { state in
            state.members.filter { member in state.acknowledged[member].map { $0 < version } ?? false }.sorted()
                .map { MemberIdentity(name: "m\($0)", epoch: Int($0)) }
        }
    }
}
