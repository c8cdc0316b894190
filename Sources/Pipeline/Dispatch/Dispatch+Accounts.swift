import Clocks
import Jobs
import Ledger

/// What concerns one account and no other.
extension Dispatch {
    /// An account that waits alone, as an operator sees it.
    struct AccountWait: Equatable, Sendable {
        var account: AccountID
        var wait: AccountQueue.Wait
    }

    func accountWaits(at now: MonotonicTime) -> [AccountWait] {
        accounts.compactMap { name, account in account.obstacle(at: now).map { AccountWait(account: name, wait: $0) } }
            .sorted { $0.account.utf8.lexicographicallyPrecedes($1.account.utf8) }
    }

    /// How many accounts wait alone for each cause.
    func waitingAccounts(at now: MonotonicTime) -> [AccountQueue.Wait.Cause: Int] {
        var counts: [AccountQueue.Wait.Cause: Int] = [:]
        for account in accounts.values {
            if let cause = account.obstacle(at: now)?.cause { counts[cause, default: 0] += 1 }
        }
        return counts
    }

    /// The API refused the account for its own rate.
    mutating func refuse(
        _ name: AccountID, _ cause: AccountWaitCause, atLeast minimum: Duration, detail: String? = nil,
        at now: MonotonicTime, wall: Timestamp
    ) {
        accounts[name, default: AccountQueue()].refuse(cause, atLeast: minimum, detail: detail, at: now, wall: wall)
        makeSpace(of: name, at: now)
    }

    /// The account waits alone for a fault that may be its own.
    mutating func wait(
        _ name: AccountID, _ cause: AccountQueue.Wait.Cause, for time: Duration, detail: String? = nil,
        at now: MonotonicTime, wall: Timestamp
    ) {
        accounts[name, default: AccountQueue()].wait(cause, for: time, detail: detail, at: now, wall: wall)
        makeSpace(of: name, at: now)
    }

    /// Calls of other workers have what the account may call. Returns until when it is left alone; its jobs wait in
    /// flight, and no worker is occupied.
    mutating func leaveAlone(
        _ name: AccountID, _ busy: AccountBusy, at now: MonotonicTime, wall: Timestamp
    ) -> MonotonicTime {
        hasBusyAccounts = true
        switch busy {
        case .calls(let end):
            accounts[name, default: AccountQueue()].isBusy(by: now + (end - wall), callTime: callTime, at: now)
        case .rate(let until):
            accounts[name, default: AccountQueue()].isBusy(until: now + max(until - wall, Self.shortestWait))
            makeSpace(of: name, at: now)
        case .refused(let cause, let until):
            wait(
                name, AccountQueue.Wait.Cause(cause), for: max(until - wall, Self.shortestWait),
                detail: "another worker was refused", at: now, wall: wall)
        }
        return accounts[name]?.nextSlot(limit: 0, at: now) ?? now
    }

    /// The ledger's clock may be a little behind: it is not asked again at once.
    private static let shortestWait = Duration.milliseconds(10)

    /// Ends the account's wait for a fault that may be its own. Returns what it was, if there was one.
    mutating func endSuspicion(_ name: AccountID, at now: MonotonicTime) -> AccountQueue.Wait.Cause? {
        for cause in [AccountQueue.Wait.Cause.refused, .failing] where accounts[name]?.endFault(cause) == true {
            offer(name, at: now)
            return cause
        }
        return nil
    }

    /// Returns the fault of the account's that is over with it.
    mutating func succeeded(_ name: AccountID) -> AccountQueue.Wait.Cause? {
        guard let place = accounts.index(forKey: name) else { return nil }
        return accounts.values[place].succeeded()
    }

    /// The wait that the account is in, as an operator sees it.
    func wait(of name: AccountID) -> AccountWait? {
        accounts[name]?.wait.map { AccountWait(account: name, wait: $0) }
    }

    mutating func pause(_ name: AccountID, at now: MonotonicTime) {
        accounts[name, default: AccountQueue()].pause()
        makeSpace(of: name, at: now)
    }

    func isPaused(_ name: AccountID) -> Bool { accounts[name]?.wait?.cause == .paused }

    /// Returns what it waited for, or tried after having waited.
    mutating func resume(_ name: AccountID, at now: MonotonicTime) -> AccountQueue.Wait.Cause? {
        guard let cause = accounts[name]?.resume(at: now) else { return nil }
        offer(name, at: now)
        return cause
    }

    /// When a job that steps aside can expect its turn: as it was promised, or after all others of the account. Without
    /// a limit that is a guess, and rather half than twice what comes true: too early costs a move, too late leaves the
    /// account idle.
    mutating func turnAside(_ name: AccountID, promised: MonotonicTime?, at now: MonotonicTime) -> MonotonicTime {
        if let promised, promised > now {
            accounts[name, default: AccountQueue()].keepsSlot()
            return promised
        }
        return accounts[name, default: AccountQueue()].reserveSlot(
            limit: limits.requestsPerMinutePerAccount, callTime: callTime / limits.perAccount / 2, at: now)
    }

    /// Mass jobs have had their share of the day until `time`.
    mutating func closeBulk(until time: MonotonicTime) {
        bulkOpensAt = time
        timers.schedule(.bulkOpens, at: time)
    }
}
