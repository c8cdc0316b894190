import AMQP
import Clocks
import Jobs
import Messages

/// Whose turn it is.
extension Dispatch {
    /// The next item for a worker. `callLimit`: how many calls may be in flight.
    mutating func next(callLimit: Int, at now: MonotonicTime) -> Turn? {
        if let turn = nextHousekeeping(at: now) { return turn }
        guard runningCalls < callLimit, mayCallNow(at: now) else { return nil }
        if suspects.isOn { return nextSuspect(.work, at: now) }
        let isBulkOpen = bulkOpensAt == nil
        while let lane = turns.next(among: { !readyAccounts[$0].isEmpty && ($0 != .bulk || isBulkOpen) }) {
            guard let tag = nextTag(in: lane, at: now) else { continue }
            return start(tag, .work, at: now)
        }
        return nil
    }

    /// The next item while a hold is tested: of all that waits, the one of the least rank that came first, the canary's
    /// before others of the least there is. What `rank` says nil of is not called.
    mutating func nextProbe(
        callLimit: Int, rank: (JobID, AccountID) -> Int?, at now: MonotonicTime
    ) -> Turn? {
        if let turn = nextHousekeeping(at: now) { return turn }
        guard runningCalls < callLimit, mayCallNow(at: now) else { return nil }
        if suspects.isOn { return nextSuspect(.probe, at: now) }
        var best: (rank: Int, tag: DeliveryTag, lane: Lane, account: AccountID)?
        for (tag, entry) in entries where entry.state == .waiting {
            guard let job = entry.item.job, mayProbe(entry.item, job.account, at: now),
                var rank = rank(job.id, job.account)
            else { continue }
            // First in a round, and no more than that: its own bad job is not the only one to test every hold.
            if job.account == limits.canary, rank == 0 { rank = -1 }
            if let best, (best.rank, best.tag.number) <= (rank, tag.number) { continue }
            best = (rank, tag, entry.item.lane, job.account)
        }
        guard let best else { return nil }
        accounts[best.account]?.drop(best.tag, best.lane)
        accounts[best.account]?.running += 1
        return start(best.tag, .probe, at: now)
    }

    /// Whether a job that waits in flight may be called now, and `isFit` to test the holds.
    func hasProbe(at now: MonotonicTime, where isFit: (JobID, AccountID) -> Bool) -> Bool {
        entries.values.contains { entry in
            guard entry.state == .waiting, let job = entry.item.job else { return false }
            return isFit(job.id, job.account) && mayProbe(entry.item, job.account, at: now)
        }
    }

    private func mayProbe(_ item: InFlightMessage, _ name: AccountID, at now: MonotonicTime) -> Bool {
        guard item.lane != .broken, item.lane != .bulk || bulkOpensAt == nil else { return false }
        guard let account = accounts[name] else { return true }
        return account.running < limits.perAccount
            && account.nextSlot(limit: limits.requestsPerMinutePerAccount, at: now) == nil
    }

    private mutating func nextHousekeeping(at now: MonotonicTime) -> Turn? {
        while let tag = housekeeping.popFirst() {
            guard case .housekeeping(let action)? = entries[tag]?.state else { continue }
            return start(tag, action, at: now)
        }
        return nil
    }

    /// The account's next delivery of the lane that still waits: it runs now.
    private mutating func takeWaiting(
        from place: Dictionary<AccountID, AccountQueue>.Index, _ lane: Lane
    ) -> DeliveryTag? {
        while let tag = accounts.values[place].take(lane) {
            guard entries[tag]?.state == .waiting else { continue }
            accounts.values[place].running += 1
            return tag
        }
        return nil
    }

    private mutating func mayCallNow(at now: MonotonicTime) -> Bool {
        guard limits.requestsPerSecond > 0 else { return true }
        if rateDivisor == 0 { return false }
        guard let nextCall, nextCall > now else { return true }
        if suspects.isOn || !readyAccounts.allSatisfy(\.isEmpty) { timers.schedule(.callRate, at: nextCall) }
        return false
    }

    private mutating func nextTag(in lane: Lane, at now: MonotonicTime) -> DeliveryTag? {
        guard let name = readyAccounts[lane].popFirst(), let place = accounts.index(forKey: name) else { return nil }
        guard accounts.values[place].leaveReadyQueue(lane, limits, at: now) else {
            offer(name, at: now)
            return nil
        }
        let found = takeWaiting(from: place, lane)
        offerOrForget(name, at: now)
        return found
    }

    private mutating func nextSuspect(_ action: TurnAction, at now: MonotonicTime) -> Turn? {
        // Alone means alone: what else is in flight goes back first.
        guard let tag = suspects.first(where: { entries[$0]?.state == .waiting }) else { return nil }
        guard entries.count == 1 else {
            releaseWaiting(except: tag)
            return nextHousekeeping(at: now)
        }
        suspects.started()
        if let job = entries[tag]?.item.job {
            accounts[job.account, default: AccountQueue()].running += 1
        }
        return start(tag, action, at: now)
    }

    mutating func start(_ tag: DeliveryTag, _ action: TurnAction, at now: MonotonicTime) -> Turn? {
        guard let place = entries.index(forKey: tag) else { return nil }
        entries.values[place].state = .running(action)
        entries.values[place].began = now
        let item = entries.values[place].item
        // What never became a job, or is only closed, calls nobody and takes no place.
        if occupiesCall(item, action) { runningCalls += 1 }
        return Turn(item: item, action: action)
    }

    func occupiesCall(_ item: InFlightMessage, _ action: TurnAction) -> Bool {
        action.mayCall && item.job != nil && item.lane != .broken
    }
}
