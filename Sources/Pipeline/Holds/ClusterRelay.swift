import Clocks
import Concurrency
import Jobs
import Ledger

/// Carries changes from a worker to the cluster's shared state, and news from there to its dispatcher.
///
/// Changes go one after another, in the order in which they were made; one that could not be written is tried again for as
/// long as the worker works. News is looked for each second, because nothing is pushed.
final class ClusterRelay: Sendable {
    /// What one member says, all hear within it.
    static let interval = Duration.seconds(1)

    /// Who waits for the others' word looks again after that.
    private static let pollInterval = Duration.milliseconds(100)

    private let cluster: any Cluster
    private let clock: any TimeSource
    /// Signalled when there is something to be said.
    private let changed = AsyncSignal()
    /// Signalled when all that was to be said at some time is written, and again when the others' word is heard.
    private let settled = AsyncSignal()
    // Written by `run`, read by it and by whoever waits for what it has said or heard.
    private let state: Lock<State>

    private struct State {
        var alive: Set<Int64>
        /// How often it had been woken when it began to say what is written now.
        var written = 0
        /// The same of what it has heard since.
        var heard = 0
        /// Of the state that has all that is written.
        var version: Int64 = 0
        /// What this member has acknowledged, and as whom.
        var acknowledged: (version: Int64, member: Int64)?
    }

    init(cluster: any Cluster, clock: any TimeSource) {
        self.cluster = cluster
        self.clock = clock
        state = Lock(State(alive: [cluster.epoch]))
    }

    /// There is something to be said. From any thread.
    func wake() { changed.signal() }

    /// Until it is known what all share, or the worker ends: before that no job is taken, for the others may hold. Twice,
    /// because nobody waits for the word of a member that has acknowledged nothing yet.
    func join(_ dispatcher: Dispatcher) async {
        for _ in 0..<2 {
            while await !exchange(dispatcher), !dispatcher.isClosed { await clock.sleep(for: Self.interval) }
        }
    }

    /// Works until its task is cancelled.
    func run(_ dispatcher: Dispatcher, _ budget: DayBudget) async {
        var seen = 0
        while !Task.isCancelled {
            seen = changed.count
            await exchange(dispatcher)
            let isHeld = dispatcher.holds.contains { $0.cause == .quotaDay }
            // Whoever raised the limit has probed at once, perhaps before the others had said theirs.
            if await budget.giveBackIdle(at: clock.wall(), isHeld: isHeld), isHeld { _ = dispatcher.probeNow() }
            await changed.wait(for: seen + 1, until: clock.now() + Self.interval, by: clock)
        }
    }

    /// Says what there is to say, and hears what there is to hear. False: it heard nothing.
    @discardableResult
    func exchange(_ dispatcher: Dispatcher) async -> Bool {
        let woken = changed.count
        while true {
            let changes = dispatcher.takeClusterChanges()
            if changes.isEmpty { break }
            for change in changes {
                guard let answer = await write(change) else { return false }
                state.withLock { $0.version = max($0.version, answer.state.version) }
                dispatcher.answered(
                    ClusterNews(
                        state: answer.state, alive: state.withLock { $0.alive }, member: cluster.epoch))
            }
        }
        state.withLock { $0.written = woken }
        settled.signal()
        guard await look(dispatcher), await acknowledge(dispatcher) else { return false }
        state.withLock { $0.heard = woken }
        settled.signal()
        return true
    }

    /// Nil: the worker ends.
    private func write(_ change: ClusterChange) async -> ClusterAnswer? {
        while !Task.isCancelled {
            do throws(LedgerError) {
                return try await cluster.change(change)
            } catch {
                // That it is away the ledger says by itself, and holds the worker. Closed, it is the end.
                if case .closed = error { return nil }
            }
            await clock.sleep(for: Self.interval)
        }
        return nil
    }

    private func look(_ dispatcher: Dispatcher) async -> Bool {
        // The ledger says by itself that it is away; the next look is soon.
        guard let news = try? await cluster.look(since: dispatcher.clusterVersion) else { return false }
        state.withLock { $0.alive = news.alive }
        dispatcher.adopt(news)
        return true
    }

    /// Says that this member works by what it has heard, if it has not said so. False: it could not be written.
    private func acknowledge(_ dispatcher: Dispatcher) async -> Bool {
        let (version, member) = (dispatcher.clusterVersion, cluster.epoch)
        if let last = state.withLock({ $0.acknowledged }), last == (version, member) { return true }
        // The ledger says by itself that it is away; the next look is soon.
        guard (try? await cluster.acknowledge(version)) != nil else { return false }
        state.withLock { $0.acknowledged = (version, member) }
        return true
    }

    // MARK: Operators

    /// Waits until all that is to be said now is written, and until all live members work by it, or those of a name. Who
    /// does not by then is named.
    func acknowledgement(
        _ dispatcher: Dispatcher, of name: String? = nil, until time: MonotonicTime
    ) async -> Acknowledgement {
        let woken = changed.count
        guard await waits(until: time, { $0.written >= woken }) else { return .unwritten }
        let version = max(state.withLock { $0.version }, dispatcher.clusterVersion)
        while true {
            let behind = try? await cluster.membersBehind(version)
            let lacking = behind?.filter { name == nil || $0.name == name }
            if let lacking, lacking.isEmpty { return .complete }
            let now = clock.now()
            guard now < time else { return lacking.map { .lacking($0) } ?? .unwritten }
            await clock.sleep(until: min(time, now + Self.pollInterval))
        }
    }

    /// Waits until what the others have said by now is heard. False: it was not by then.
    @discardableResult
    func hear(until time: MonotonicTime) async -> Bool {
        wake()
        let woken = changed.count
        return await waits(until: time) { $0.heard >= woken }
    }

    private func waits(until time: MonotonicTime, _ isSo: (State) -> Bool) async -> Bool {
        while true {
            let seen = settled.count
            if state.withLock({ isSo($0) }) { return true }
            guard clock.now() < time else { return false }
            await settled.wait(for: seen + 1, until: time, by: clock)
        }
    }

    // MARK: Duties

    /// What all share as this member has the duty; nil if another one has it.
    func take(_ duty: ClusterDuty) async -> ClusterState? { await cluster.take(duty) }

    /// The members that were alive at the last look.
    var alive: Set<Int64> { state.withLock { $0.alive } }

    // MARK: Probes

    /// A probe is about to be claimed in the name of a turn. Returns the moment before which its call begins; nil if the
    /// turn is over.
    func renew(fence: Int64, _ dispatcher: Dispatcher) async throws(LedgerError) -> MonotonicTime? {
        let answer = try await cluster.change(.renewProbe(fence: fence))
        guard let turn = answer.state.turn, turn.fence == fence, answer.isAccepted else {
            dispatcher.refusedProbe(fence: fence)
            return nil
        }
        dispatcher.renewedProbe(fence: fence, until: clock.now() + (turn.until - clock.wall()))
        return answer.beginsBefore
    }
}
