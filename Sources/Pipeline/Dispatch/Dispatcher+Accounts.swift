import Clocks
import Jobs
import Ledger
import Messages

/// What single accounts, and mass jobs, must wait for.
extension Dispatcher {
    /// The API refused the account for its own rate.
    func refuse(_ account: AccountID, _ cause: AccountWaitCause, atLeast minimum: Duration, detail: String) {
        let wall = clock.wall()
        var begun: Dispatch.AccountWait?
        change { state, now in
            state.dispatch.refuse(account, cause, atLeast: minimum, detail: detail, at: now, wall: wall)
            begun = state.dispatch.wait(of: account)
        }
        if let begun { onAccountWait(.begins(begun)) }
    }

    /// The API refused the account for its own rate, and all who share the ledger leave it alone until then.
    func refuse(_ account: AccountID, _ cause: AccountWaitCause, until time: Timestamp, detail: String) {
        let wall = clock.wall()
        var begun: Dispatch.AccountWait?
        change { state, now in
            state.dispatch.wait(
                account, AccountQueue.Wait.Cause(cause), for: time - wall, detail: detail, at: now, wall: wall)
            begun = state.dispatch.wait(of: account)
        }
        if let begun { onAccountWait(.begins(begun)) }
    }

    /// The ledger gave no claim, for other workers call for the account. Returns until when it is left alone.
    func leaveAlone(_ account: AccountID, _ busy: AccountBusy) -> MonotonicTime {
        let wall = clock.wall()
        var time = clock.now()
        var begun: Dispatch.AccountWait?
        change { state, now in
            let before = state.dispatch.wait(of: account)
            time = state.dispatch.leaveAlone(account, busy, at: now, wall: wall)
            let after = state.dispatch.wait(of: account)
            if after != before { begun = after }
        }
        if let begun { onAccountWait(.begins(begun)) }
        return time
    }

    func pause(_ account: AccountID) {
        change { state, now in
            state.gate.pause(account)
            state.dispatch.pause(account, at: now)
        }
    }

    func isPaused(_ account: AccountID) -> Bool { withDispatch { $0.isPaused(account) } }

    /// True if it was waiting.
    func resume(_ account: AccountID) -> Bool {
        var cause: AccountQueue.Wait.Cause?
        var wasPausedForAll = false
        change { state, now in
            wasPausedForAll = state.gate.resume(account)
            cause = state.dispatch.resume(account, at: now)
        }
        if let cause, cause.isFault { onAccountWait(.over(account, cause)) }
        return cause != nil || wasPausedForAll
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
