import AMQP
import Clocks
import Jobs

/// Time, holds, lost links.
extension Dispatch {
    /// Fires the timers that are due.
    mutating func advance(to now: MonotonicTime) {
        while let first = waitLimits.first, first.time <= now {
            _ = waitLimits.popFirst()
            giveUpFollowing(first.tag)
        }
        while let timer = timers.popDue(at: now) {
            switch timer {
            case .ready(let tag):
                guard let entry = entries[tag], entry.state == .delayed else { continue }
                guard let job = entry.item.job else {
                    queueForSettlement(tag, .work)
                    continue
                }
                enqueueAgain(tag, job, first: true, at: now)
            case .accountSlot(let name):
                accounts[name]?.isTimed = false
                accounts[name]?.forgetPassedWait(at: now)
                offerOrForget(name, at: now)
            case .accountIdle(let name):
                accounts[name]?.isSwept = false
                accounts[name]?.forgetPassedWait(at: now)
                offerOrForget(name, at: now)
            case .quietAfterSuspects:
                suspects.quietPassed()
            case .callRate: break
            case .bulkOpens:
                if let time = bulkOpensAt, time <= now { bulkOpensAt = nil }
            }
        }
    }

    /// Drops the timeouts of deliveries that have ended.
    mutating func forgetEnded() {
        while let first = waitLimits.first, entries[first.tag] == nil { _ = waitLimits.popFirst() }
    }

    private mutating func giveUpFollowing(_ tag: DeliveryTag) {
        switch entries[tag]?.state {
        case .waiting, .delayed: queueForSettlement(tag, .awaitTurn)
        case .following: queueForSettlement(tag, .awaitLeader)
        case .housekeeping, .running, nil: break
        }
    }

    /// Gives back what no worker has.
    mutating func releaseWaiting(except kept: DeliveryTag? = nil) {
        let waiting = entries.filter { tag, entry in
            guard tag != kept else { return false }
            switch entry.state {
            case .waiting, .delayed, .following: return true
            case .housekeeping, .running: return false
            }
        }
        // In the order of their arrival, so that copies keep it.
        for tag in waiting.keys.sorted(by: { $0.number < $1.number }) { queueForSettlement(tag, .release) }
    }

    /// Takes what `isInTheWay` out of the way of the jobs that may lift the holds. `keepsOne`: but for the first, which
    /// may be the only one there is.
    mutating func clearTheWay(keepsOne: Bool, isInTheWay: (JobID) -> Bool) {
        let tags = entries.compactMap { tag, entry in
            entry.state == .waiting && entry.item.job.map { isInTheWay($0.id) } == true ? tag : nil
        }
        for tag in tags.sorted(by: { $0.number < $1.number }).dropFirst(keepsOne ? 1 : 0) {
            queueForSettlement(tag, .awaitOthers)
        }
    }

    /// Takes what cannot be called now for its account's sake out of the few places that a round has.
    mutating func clearAccountsThatWait(at now: MonotonicTime) {
        let tags = entries.compactMap { tag, entry in
            guard entry.state == .waiting, let job = entry.item.job, let account = accounts[job.account] else {
                return nil as DeliveryTag?
            }
            return account.nextSlot(limit: limits.requestsPerMinutePerAccount, at: now) == nil ? nil : tag
        }
        for tag in tags.sorted(by: { $0.number < $1.number }) { queueForSettlement(tag, .awaitTurn) }
    }

    /// The worker stops: what has come back often goes back as a clean copy, because the return of its delivery would
    /// count against it. The rest is returned with the link.
    mutating func releaseOftenReturned() {
        housekeeping = FIFO()
        let often = entries.filter { _, entry in
            if case .running = entry.state { return false }
            return entry.item.hasBeenReturnedOften
        }
        for tag in often.keys.sorted(by: { $0.number < $1.number }) { queueForSettlement(tag, .release) }
    }

    /// The next item that goes back, while the worker stops.
    mutating func nextRelease(at now: MonotonicTime) -> Turn? {
        housekeeping.popFirst().flatMap { start($0, .release, at: now) }
    }

    /// The connection is gone, and the broker gives everything out again: what no worker has is forgotten. Returns
    /// how many those were.
    mutating func linkLost(upTo generation: UInt64, at now: MonotonicTime) -> Int {
        let lost = entries.filter { tag, entry in
            guard tag.generation <= generation else { return false }
            if case .running = entry.state { return false }
            return true
        }
        for tag in lost.keys { entries[tag] = nil }
        forgetEnded()
        for (tag, entry) in lost {
            _ = suspects.ended(tag)
            if entry.state == .waiting, let job = entry.item.job { accounts[job.account]?.drop(tag, entry.item.lane) }
            leavePlace(entry)
            leave(entry, at: now)
            if let job = entry.item.job { promote(job.id, after: tag, at: now) }
        }
        if suspects.isIdle { suspects.quietPassed() }
        return lost.count
    }
}
