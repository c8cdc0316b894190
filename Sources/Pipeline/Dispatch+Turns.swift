import AMQP
import Jobs
import Threads

/// Whose turn it is.
extension Dispatch {
    /// The next item for a worker. `callLimit`: how many may be in flight; `isProbe`: what may call tests a hold.
    mutating func next(callLimit: Int, isProbe: Bool, at now: MonotonicTime) -> Turn? {
        while let tag = housekeeping.popFirst() {
            guard case .housekeeping(let mandate)? = entries[tag]?.state else { continue }
            return start(tag, mandate, at: now)
        }
        guard runningCalls < callLimit, mayCallNow(at: now) else { return nil }
        let mandate: Mandate = isProbe ? .probe : .work
        if suspects.isOn { return nextSuspect(mandate, at: now) }
        if isProbe, let tag = nextCanary(at: now) { return start(tag, mandate, at: now) }
        let isBulkOpen = bulkOpensAt == nil
        while let lane = turns.next(among: { !rings[$0].isEmpty && ($0 != .bulk || isBulkOpen) }) {
            guard let tag = nextTag(in: lane, at: now) else { continue }
            return start(tag, mandate, at: now)
        }
        return nil
    }

    private mutating func nextCanary(at now: MonotonicTime) -> DeliveryTag? {
        guard let name = limits.canary, let place = accounts.index(forKey: name),
            accounts.values[place].running < limits.perAccount
        else { return nil }
        for lane in Lane.allCases where lane.weight > 0 {
            guard let tag = takeWaiting(from: place, lane) else { continue }
            offerOrForget(name, at: now)
            return tag
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
        guard limits.requestsPerSecond > 0, let nextCall, nextCall > now else { return true }
        if !rings.allSatisfy(\.isEmpty) { timers.schedule(.callRate, at: nextCall) }
        return false
    }

    private mutating func nextTag(in lane: Lane, at now: MonotonicTime) -> DeliveryTag? {
        guard let name = rings[lane].popFirst(), let place = accounts.index(forKey: name) else { return nil }
        guard accounts.values[place].leaveRing(lane, limits, at: now) else {
            offer(name, at: now)
            return nil
        }
        let found = takeWaiting(from: place, lane)
        offerOrForget(name, at: now)
        return found
    }

    private mutating func nextSuspect(_ mandate: Mandate, at now: MonotonicTime) -> Turn? {
        // Alone means alone: what else is in hand goes back first.
        guard let tag = suspects.first(where: { entries[$0]?.state == .waiting }) else { return nil }
        guard entries.count == 1 else {
            handBackWaiting(except: tag)
            while let other = housekeeping.popFirst() {
                guard case .housekeeping(let mandate)? = entries[other]?.state else { continue }
                return start(other, mandate, at: now)
            }
            return nil
        }
        suspects.started()
        if let job = entries[tag]?.item.job {
            accounts[job.account, default: AccountQueue()].running += 1
        }
        return start(tag, mandate, at: now)
    }

    mutating func start(_ tag: DeliveryTag, _ mandate: Mandate, at now: MonotonicTime) -> Turn? {
        guard let place = entries.index(forKey: tag) else { return nil }
        entries.values[place].state = .running(mandate)
        entries.values[place].began = now
        let item = entries.values[place].item
        // What never became a job, or is only closed, calls nobody and takes no place.
        if occupiesCall(item, mandate) { runningCalls += 1 }
        return Turn(item: item, mandate: mandate)
    }

    func occupiesCall(_ item: Item, _ mandate: Mandate) -> Bool {
        mandate.mayCall && item.job != nil && item.lane != .broken
    }
}
