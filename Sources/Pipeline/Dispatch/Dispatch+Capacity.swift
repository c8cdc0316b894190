import AMQP
import Clocks
import Jobs
import Messages

/// Places: no account, whatever its limits, keeps those that others could use.
///
/// A window that is full hides what waits behind it, and turns are fair only among those who are in flight. So
/// while a lane is crowded, an account keeps half of its window at most, and no more than will have a turn in the next
/// seconds; the rest steps aside until the turn that it can expect. Who comes back early and finds a place keeps it.
extension Dispatch {
    /// A job whose turn is further off than this gives its place to others.
    static let farOff = Duration.seconds(5)

    /// The delivery takes a place in its lane and among its account's.
    mutating func takePlace(_ item: InFlightMessage, at now: MonotonicTime) {
        windows[item.lane].take(capacity: limits.capacity, at: now)
        guard let job = item.job else { return }
        countPlaces(of: job.account, item.lane, 1)
        if item.jobHeaders.turn != nil { accounts[job.account]?.cameBack() }
        if limits.capacity > 0 { backlogProbes[item.lane].saw(job.account, at: now) }
    }

    /// The delivery is out of hand.
    mutating func leavePlace(_ entry: Entry) {
        windows[entry.item.lane].give()
        if entry.hasPlace, let job = entry.item.job { countPlaces(of: job.account, entry.item.lane, -1) }
    }

    /// The delivery is on its way out of hand: its account has one less.
    mutating func giveUpPlace(_ tag: DeliveryTag) {
        guard let place = entries.index(forKey: tag), entries.values[place].hasPlace else { return }
        entries.values[place].hasPlace = false
        let item = entries.values[place].item
        guard let job = item.job else { return }
        countPlaces(of: job.account, item.lane, -1)
        if entries.values[place].state == .waiting { accounts[job.account]?.drop(tag, item.lane) }
    }

    private mutating func countPlaces(of name: AccountID, _ lane: Lane, _ change: Int) {
        let flood = LaneWindow.flood(capacity: limits.capacity)
        let before = accounts[name, default: AccountQueue()].changePlaces(in: lane, by: change)
        let after = before + change
        if before < flood, after >= flood { windows[lane].floods += 1 }
        if before >= flood, after < flood { windows[lane].floods -= 1 }
    }

    // MARK: Giving up places

    /// Makes a place for a delivery that came: accounts give up what exceeds their part of a crowded lane.
    mutating func makeSpace(in lane: Lane, for tag: DeliveryTag, of name: AccountID, at now: MonotonicTime) {
        guard windows[lane].isCrowded(capacity: limits.capacity, at: now) else { return }
        guard windows[lane].mustBeSwept(at: now) else { return makeSpace(of: name, in: lane, newest: tag, at: now) }
        var names: Set<AccountID> = []
        for entry in entries.values where entry.item.lane == lane {
            if let job = entry.item.job { names.insert(job.account) }
        }
        for name in names { makeSpace(of: name, in: lane, at: now) }
    }

    /// The account has just been told to wait: what it has in crowded lanes gives up its places.
    mutating func makeSpace(of name: AccountID, at now: MonotonicTime) {
        for lane in Lane.allCases where lane.weight > 0 && windows[lane].isCrowded(capacity: limits.capacity, at: now) {
            makeSpace(of: name, in: lane, at: now)
        }
    }

    /// `newest`: the delivery of the account that has just come, where one has.
    private mutating func makeSpace(
        of name: AccountID, in lane: Lane, newest: DeliveryTag? = nil, at now: MonotonicTime
    ) {
        // Given back before the account changes: else that would copy all that waits in it.
        guard let excess = accounts[name].map({ self.excess($0, in: lane, at: now) }) else { return }
        guard excess > 0, othersMayWait(behind: name, in: lane, at: now) else { return }
        // The newest, so that the oldest keep their order. While a flood streams through, that is the one that came.
        if excess == 1, let newest, let entry = entries[newest], mayStepAside(entry) {
            return stepAside(newest, entry)
        }
        var candidates: [DeliveryTag] = []
        for (tag, entry) in entries
        where entry.item.lane == lane && entry.item.job?.account == name && mayStepAside(entry) {
            candidates.append(tag)
        }
        for tag in candidates.sorted(by: { $0.number < $1.number }).suffix(excess) {
            if let entry = entries[tag] { stepAside(tag, entry) }
        }
    }

    private func mayStepAside(_ entry: Entry) -> Bool {
        entry.hasPlace && (entry.state == .waiting || entry.state == .following) && entry.item.jobHeaders.suspect == 0
    }

    private mutating func stepAside(_ tag: DeliveryTag, _ entry: Entry) {
        queueForSettlement(tag, entry.state == .following ? .awaitLeader : .awaitTurn)
    }

    /// How many places of the lane the account has beyond its part.
    private func excess(_ account: AccountQueue, in lane: Lane, at now: MonotonicTime) -> Int {
        let places = account.places[lane]
        let turns = account.turns(
            within: Self.farOff, limit: limits.requestsPerMinutePerAccount, callTime: callTime / limits.perAccount,
            at: now)
        let beyondPart = places - windows[lane].part(capacity: limits.capacity)
        return max(beyondPart, min(places, account.waitingCount - turns))
    }

    private mutating func othersMayWait(behind name: AccountID, in lane: Lane, at now: MonotonicTime) -> Bool {
        let flood = LaneWindow.flood(capacity: limits.capacity)
        let accounts = accounts
        return backlogProbes[lane].othersMayWait(at: now) { other in
            other == name || (accounts[other]?.places[lane] ?? 0) >= flood
        }
    }
}
