import AMQP
package import Clocks
package import Jobs
package import Ledger
import Messages

/// What an operator does to the running worker.
extension JobPipeline {
    /// Stops consuming until `resume`. Survives a restart.
    package func pause(by who: String) {
        dispatcher.hold(.operatorPaused, detail: "paused by \(who)")
    }

    /// Waits until what an operator has said here is written for all members and acknowledged by the live ones, or until
    /// then. `name`: by those alone that bear it. Nil for a worker that shares nothing.
    package func acknowledgement(of name: String? = nil, until time: MonotonicTime) async -> Acknowledgement? {
        await relay?.acknowledgement(dispatcher, of: name, until: time)
    }

    /// Lets whoever bears that name in the cluster take no work until `resume(member:)`, also after a restart of it.
    package func pause(member name: String, by who: String) {
        dispatcher.pause(member: name, detail: "paused alone by \(who)")
    }

    /// True if it was paused.
    package func resume(member name: String) -> Bool { dispatcher.resume(member: name) }

    /// The names that are paused, as far as this worker has heard; none for a worker that shares nothing.
    package var pausedMembers: Set<String> { dispatcher.pausedMembers }

    /// Waits until what the other members have said by now is known here, or until then.
    package func hearOthers(until time: MonotonicTime) async {
        await relay?.hear(until: time)
    }

    /// Lets no job of the account begin until `resume(account:)`; of all members, and for as long as it takes, where some
    /// share the ledger. The other accounts go on.
    package func pause(account: AccountID) { dispatcher.pause(account) }

    package func isPaused(account: AccountID) -> Bool { dispatcher.isPaused(account) }

    /// True if the account was waiting.
    package func resume(account: AccountID) -> Bool { dispatcher.resume(account) }

    package enum Resumption: Equatable, Sendable {
        case lifted
        /// A round of probes begins: only the API's answers can lift the hold.
        case probing
        /// There is no such hold.
        case none
        /// The hold ends when its cause does; no word lifts it before.
        case mustEndByItself
    }

    /// The operator says that a fault is gone. What only an operator knows ends; what jobs can test, jobs test at once.
    package func resume(_ cause: HoldCause) -> Resumption {
        guard dispatcher.holds.contains(where: { $0.cause == cause }) else { return .none }
        let policy = HoldPolicy.of(cause)
        guard policy.isResumable else { return .mustEndByItself }
        guard policy.probe != nil else {
            dispatcher.lift(cause)
            return .lifted
        }
        // Beside a pause they begin when that ends.
        _ = probe()
        return .probing
    }

    /// Works by `next` from here on. What was taken at the start stays as it was: queue names, workers, delays.
    package func apply(_ next: PipelineConfiguration) {
        let before = live.replace(with: next)
        dispatcher.adopt(next.limits)
        budget.adopt(limit: next.requestsPerDay, pace: next.pace)
        // A larger share may end the hold that the smaller one began: one job finds out.
        if before.requestsPerDay != next.requestsPerDay, dispatcher.holds.contains(where: { $0.cause == .quotaDay }) {
            _ = dispatcher.probeNow()
        }
    }

    /// Calls and album queries of the day, as far as they were counted since the start, and the share; nil before the first.
    package var callsToday: (spent: Int, limit: Int)? { budget.known(at: clock.wall()) }

    /// Answered by the workers' executor and the dispatcher: proof that both live.
    package func ping(_ answer: @escaping @Sendable () -> Void) {
        Task(executorPreference: executor) { [dispatcher] in
            _ = dispatcher.load
            answer()
        }
    }

    /// Lets jobs test the holds now, one after another. False if there is none that jobs test.
    package func probe() -> Bool {
        if dispatcher.holds.contains(where: { $0.cause == .quotaDay }) { budget.recount() }
        return dispatcher.probeNow()
    }

    /// How long a hold that an earlier run left waits for its first probes; nil if it ended with that run.
    package func waitAfterRestart(of cause: HoldCause, since: Timestamp) -> Duration? {
        HoldPolicy.of(cause).waitAfterRestart(
            dayEnd: live.now.quotaDay(since).end, lateness: DayBudget.lateness(), at: clock.wall())
    }

    /// A hold of an earlier run stands again. `wait`: until its first probes; one that no job tests stands until it is
    /// lifted. Those that a cluster shares are known from it.
    package func restore(_ cause: HoldCause, since: Timestamp, detail: String, probeAfter wait: Duration) {
        guard relay == nil || HoldPolicy.of(cause).reach != .cluster else { return }
        dispatcher.restoreHold(cause, since: since, detail: detail, probeAfter: wait)
    }

    /// A delivery in flight, for people.
    package struct DeliveryInFlight: Sendable {
        /// Nil for what is no job.
        package var jobID: JobID?
        package var account: AccountID?
        package var lane: String
        package var generation: Int
        package var state: String
        package var waited: Duration
    }

    /// What is in flight, that which came first at the front. It looks at each: for a person now and then.
    package var deliveriesInFlight: [DeliveryInFlight] {
        let now = clock.now()
        return dispatcher.withDispatch { Array($0.entries.values) }
            .sorted { $0.item.message.receivedAt < $1.item.message.receivedAt }
            .map {
                DeliveryInFlight(
                    jobID: $0.item.job?.id, account: $0.item.job?.account, lane: $0.item.lane.rawValue,
                    generation: $0.item.jobHeaders.generation, state: $0.state.word,
                    waited: now - $0.item.message.receivedAt)
            }
    }

    /// Where the job is in this worker; nil if it has none of it in flight.
    package func whereabouts(of id: JobID) -> JobInFlight? { dispatcher.whereabouts(of: id) }

    /// This daemon's share of a day; 0 is none to keep to.
    package var callsPerDay: Int { budget.share.limit }

    /// The accounts that wait alone.
    package var accountHolds: [AccountHold] { dispatcher.accountWaits.map { AccountHold($0) } }
}

extension Dispatch.State {
    /// For people.
    fileprivate var word: String {
        switch self {
        case .waiting: "waiting"
        case .delayed: "delayed"
        case .following: "following"
        case .housekeeping: "settling"
        case .running: "running"
        }
    }
}
