import Clocks
import Jobs
import Messages

/// What single accounts, and mass jobs, must wait for.
extension Dispatcher {
    /// The API refused the account for its own rate.
    func refuse(_ account: AccountID, _ cause: AccountQueue.Wait.Cause, atLeast minimum: Duration, detail: String) {
        let wall = clock.wall()
        var begun: Dispatch.AccountWait?
        change { state, now in
            state.dispatch.refuse(account, cause, atLeast: minimum, detail: detail, at: now, wall: wall)
            begun = state.dispatch.wait(of: account)
        }
        if let begun { onAccountWait(.begins(begun)) }
    }

    func pause(_ account: AccountID) {
        change { $0.dispatch.pause(account, at: $1) }
    }

    /// True if it was waiting.
    func resume(_ account: AccountID) -> Bool {
        var cause: AccountQueue.Wait.Cause?
        change { cause = $0.dispatch.resume(account, at: $1) }
        if let cause, cause.isFault { onAccountWait(.over(account, cause)) }
        return cause != nil
    }

    var accountWaits: [Dispatch.AccountWait] {
        let now = clock.now()
        return withDispatch { $0.accountWaits(at: now) }
    }

    /// How long a job steps aside whose account has no turn for it. `promised`: how long the turn is off that it was
    /// promised before.
    func turnAside(_ account: AccountID, promised: Duration?) -> Duration {
        var wait = Duration.zero
        change { state, now in
            wait = state.dispatch.turnAside(account, promised: promised.map { now + $0 }, at: now) - now
        }
        return wait
    }

    /// How long a mass job waits for its lane; nil if it is open, or the job is none.
    func bulkOpens(for item: InFlightMessage) -> Duration? {
        guard item.originLane == .bulk else { return nil }
        let now = clock.now()
        return withDispatch { $0.bulkOpensAt.map { $0 - now } }
    }

    /// Mass jobs have had their share of the day for so long.
    func closeBulk(for time: Duration) {
        change { $0.dispatch.closeBulk(until: $1 + time) }
    }
}
